import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue, OtlpSpan } from "../otlp/model.ts";
import { attributesOf, openingAttributes } from "./otel-attributes.ts";
import { OtelMemory } from "./otel-memory.ts";
import { endsSpan, toOtelSpan } from "./otel-span.ts";
import { toSpan } from "./span.ts";
import { otelEvent, otelEvents } from "./testing/otel-events.ts";

function spanOf(event: RuntimeEvent, ...before: RuntimeEvent[]): OtlpSpan {
  const memory = new OtelMemory(openingAttributes);
  for (const each of before) memory.observe(each);
  const span = toOtelSpan(event, attributesOf(event), memory);
  assert.ok(span, `${event.type} is no span`);
  return span;
}

function valueIn(attributes: KeyValue[] | undefined, name: string): unknown {
  const found = attributes?.find(({ key }) => key === name)?.value;
  return found && Object.values(found)[0];
}

for (const event of otelEvents()) {
  test(`${event.type} is the same span as in the trace view, or none as there`, () => {
    const expected = toSpan(event);
    const memory = new OtelMemory(openingAttributes);
    const span = toOtelSpan(event, attributesOf(event), memory);
    assert.equal(endsSpan(event), expected !== undefined);
    if (expected === undefined) return assert.equal(span, undefined);
    assert.equal(span?.name, expected.name);
    assert.equal(span?.kind, expected.kind === "SERVER" ? 2 : 1);
    assert.equal(span?.traceId, expected.traceId);
    assert.equal(span?.spanId, expected.spanId);
    assert.equal(span?.parentSpanId, expected.parentSpanId);
    assert.equal(span?.status?.code, expected.status === "error" ? 2 : undefined);
    assert.equal(BigInt(span!.endTimeUnixNano), 1_776_520_800_000_042_000n);
    const durationNs = BigInt(span!.endTimeUnixNano) - BigInt(span!.startTimeUnixNano);
    assert.equal(durationNs, BigInt(Math.round(expected.durationMs * 1000)) * 1000n);
  });
}

describe("a span with a beginning of its own", () => {
  const at = (micros: string) => ({ timestamp: `2026-04-18T14:00:00.${micros}Z` });

  test("an exec starts when it was started, and says where it ran", () => {
    const span = spanOf(
      otelEvent("exec.completed", {}, at("900000")),
      otelEvent("exec.started", {}, at("000001")),
    );
    assert.equal(span.startTimeUnixNano, "1776520800000001000");
    assert.equal(span.endTimeUnixNano, "1776520800900000000");
    assert.equal(valueIn(span.attributes, "process.working_directory"), "/workspace");
    const keys = span.attributes?.map(({ key }) => key);
    assert.deepEqual(keys, [...new Set(keys)]);
  });

  test("an exec that a crash took ends as long behind its start as it says, and not when that was found out", () => {
    const span = spanOf(
      otelEvent(
        "exec.completed",
        { cause: "host_crash", durationMs: 1_500 },
        { timestamp: "2026-05-18T14:00:00.000000Z" },
      ),
      otelEvent("exec.started", {}, at("000001")),
    );
    assert.equal(span.startTimeUnixNano, "1776520800000001000");
    assert.equal(span.endTimeUnixNano, "1776520801500001000");
  });

  test("a tool's result without a span of its own ends the call's, below the call's parent", () => {
    const call = otelEvent(
      "agent.tool_call",
      {},
      { spanId: "aaaaaaaaaaaaaaaa", parentSpanId: "cccccccccccccccc" },
    );
    const span = spanOf(
      otelEvent("agent.tool_result", {}, { spanId: "bbbbbbbbbbbbbbbb", parentSpanId: "" }),
      call,
    );
    assert.equal(span.spanId, "aaaaaaaaaaaaaaaa");
    assert.equal(span.parentSpanId, "cccccccccccccccc");
    assert.equal(valueIn(span.attributes, "gen_ai.tool.call.arguments"), "{}");
  });

  test("a call of another run is not the beginning", () => {
    const call = otelEvent("agent.tool_call", {}, { spanId: "aaaaaaaaaaaaaaaa", runId: "run_2" });
    assert.equal(spanOf(otelEvent("agent.tool_result"), call).spanId, "00f067aa0ba902b7");
  });

  test("a clock that was set back in between makes no span that ends before it begins", () => {
    const span = spanOf(
      otelEvent("exec.completed", {}, at("000001")),
      otelEvent("exec.started", {}, at("900000")),
    );
    assert.equal(span.endTimeUnixNano, span.startTimeUnixNano);
  });
});

describe("links", () => {
  const run = otelEvent("run.started", {}, { traceId: "1".repeat(32), spanId: "1".repeat(16) });
  const toRun = {
    traceId: run.traceId,
    spanId: run.spanId,
    attributes: [{ key: "sandglass.link.type", value: { stringValue: "run" } }],
  };

  test("every span of a run is linked to the run's root span, the root itself is not", () => {
    assert.deepEqual(spanOf(otelEvent("exec.completed"), run).links, [toRun]);
    assert.deepEqual(spanOf(otelEvent("http.request"), run).links, [toRun]);
    assert.equal(spanOf(otelEvent("exec.completed", {}, { runId: "run_2" }), run).links, undefined);
    assert.equal(spanOf(otelEvent("exec.completed", {}, { runId: "" }), run).links, undefined);
    assert.equal(spanOf(otelEvent("run.completed"), run).links, undefined);
  });

  test("a fork is linked to the creation of its children, a merge to that of its winner", () => {
    const sandboxId = otelEvent("sandbox.merged").data.winner;
    const other = otelEvent(
      "sandbox.created",
      {},
      { sandboxId, traceId: "2".repeat(32), spanId: "2".repeat(16) },
    );
    const linkOf = (type: string) => ({
      traceId: other.traceId,
      spanId: other.spanId,
      attributes: [
        { key: "sandglass.link.type", value: { stringValue: type } },
        { key: "sandglass.sandbox.id", value: { stringValue: sandboxId } },
      ],
    });
    assert.deepEqual(spanOf(otelEvent("sandbox.forked"), other).links, [linkOf("fork_child")]);
    assert.deepEqual(spanOf(otelEvent("sandbox.merged"), run, other).links, [toRun, linkOf("merge_winner")]);
    const { links } = spanOf(otelEvent("sandbox.forked", { children: ["sbx_unknown"] }), other);
    assert.equal(links, undefined);
  });
});

test("a failed span says what went wrong, one that went well leaves its status unset", () => {
  const completed = otelEvent("exec.completed");
  const { exception: _, ...silent } = completed.data;
  const failures: [RuntimeEvent, string][] = [
    [otelEvent("exec.completed"), "oom_killed: memory limit 512 MiB"],
    [otelEvent("exec.completed", { cause: "exited", exitCode: 1 }), "ValueError: no such month"],
    [{ ...completed, data: { ...silent, cause: "exited", exitCode: 3 } }, "exit code 3"],
    [otelEvent("sandbox.terminated"), "oom_killed: memory limit 512 MiB"],
    [otelEvent("http.request"), "INTERNAL"],
    [otelEvent("agent.tool_result"), "the tool reported an error"],
    [otelEvent("run.completed"), "the model gave up"],
  ];
  for (const [event, message] of failures) assert.deepEqual(spanOf(event).status, { code: 2, message });
  assert.deepEqual(spanOf(otelEvent("exec.completed", { cause: "exited", exitCode: 0 })).status, {});
  assert.deepEqual(spanOf(otelEvent("http.request", { status: 404 })).status, {});
});
