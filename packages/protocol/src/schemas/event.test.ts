import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sampleEvent } from "../event-samples.ts";
import { EVENT_TYPES } from "../events.ts";
import { EventLine, validateEvent } from "./index.ts";

const completed = sampleEvent("exec.completed");

describe("validating an event", () => {
  for (const type of EVENT_TYPES) {
    test(`takes a ${type}`, () => {
      const event = sampleEvent(type);
      assert.deepEqual(validateEvent(event), event);
      const line = { ...event, cursor: "abc" };
      assert.deepEqual(EventLine.parse(line), line);
    });
  }

  test("takes one of the host, of no run, that starts its trace", () => {
    const event = { ...sampleEvent("host.started"), sandboxId: "", runId: "", parentSpanId: "" };
    assert.deepEqual(validateEvent(event), event);
  });

  test("takes a gap where a line is asked for", () => {
    const gap = { type: "gap", fromPosition: 3, toPosition: 9, reason: "retention", cursor: "abc" };
    assert.deepEqual(EventLine.parse(gap), gap);
  });

  test("leaves out a field that it does not know", () => {
    const data = { ...completed.data, later: 1 };
    assert.deepEqual(validateEvent({ ...completed, data, later: 1 }), completed);
  });

  const refused: [why: string, event: object, message: RegExp][] = [
    [
      "an unknown type",
      { ...completed, type: "exec.complete" },
      /^type must be a known value, .*did you mean "exec\.completed"\?$/,
    ],
    ["no type", { ...completed, type: undefined }, /^type is missing$/],
    ["another type's data", { ...completed, type: "port.exposed" }, /^data\.port is missing$/],
    [
      "an unknown cause",
      { ...completed, data: { ...completed.data, cause: "oom" } },
      /^data\.cause must be a known value/,
    ],
    [
      "bytes that are negative",
      { ...completed, data: { ...completed.data, stdoutBytes: -1 } },
      /^data\.stdoutBytes /,
    ],
    ["a seq of zero", { ...completed, seq: 0 }, /^seq /],
    ["an id that is no UUIDv7", { ...completed, id: "evt_1" }, /^id must be "evt_" and a UUIDv7$/],
    [
      "a time that is not UTC",
      { ...completed, timestamp: "2026-04-18T14:00:00+02:00" },
      /^timestamp must be a time like/,
    ],
    ["an all-zero trace", { ...completed, traceId: "0".repeat(32) }, /^traceId must be 32 lower-case hex/],
    ["an upper-case span", { ...completed, spanId: "A".repeat(16) }, /^spanId must be 16 lower-case hex/],
    ["no organisation", { ...completed, orgId: "" }, /^orgId /],
  ];
  for (const [why, event, message] of refused) {
    test(`refuses ${why}`, () => {
      assert.throws(() => validateEvent(event), { code: "INVALID_REQUEST", message });
    });
  }
});
