import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isEventId,
  isExecId,
  isKeyId,
  isRequestId,
  isRunId,
  isSandboxId,
  isSpanId,
  isTraceId,
  newEventId,
  newExecId,
  newKeyId,
  newRequestId,
  newRunId,
  newSandboxId,
  newSpanId,
  newTraceId,
} from "./ids.ts";

const KINDS: [name: string, make: () => string, isValid: (text: string) => boolean][] = [
  ["event", newEventId, isEventId],
  ["sandbox", newSandboxId, isSandboxId],
  ["exec", newExecId, isExecId],
  ["run", newRunId, isRunId],
  ["request", newRequestId, isRequestId],
  ["key", newKeyId, isKeyId],
  ["trace", newTraceId, isTraceId],
  ["span", newSpanId, isSpanId],
];

for (const [name, make, isValid] of KINDS) {
  test(`a new ${name} id is valid, no other kind's, and never given twice`, () => {
    const ids = Array.from({ length: 20_000 }, make);
    assert.ok(
      ids.every(isValid),
      ids.find((id) => !isValid(id)),
    );
    assert.equal(new Set(ids).size, ids.length);
    for (const [other, , isOther] of KINDS) {
      if (other !== name) assert.ok(!isOther(ids[0] ?? ""), `${ids[0]} passes as ${other}`);
    }
  });
}

test("event ids increase strictly, many within one millisecond, and when the clock steps back", (context) => {
  let now = 1_776_510_028_036;
  context.mock.method(Date, "now", () => now);
  const ids: string[] = [];
  for (let index = 0; index < 10_000; index++) ids.push(newEventId());
  now -= 3_600_000;
  for (let index = 0; index < 10_000; index++) ids.push(newEventId());
  now += 7_200_000;
  ids.push(newEventId());
  assert.ok(ids.every(isEventId));
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
});

test("an event id holds its milliseconds as a UUIDv7 does", (context) => {
  const later = Date.now() + 10_000_000_000;
  context.mock.method(Date, "now", () => later);
  const [, hex = ""] = newEventId().split("_");
  assert.equal(Number.parseInt(hex.slice(0, 13).replace("-", ""), 16), later);
});

test("ids of sandboxes and execs sort by the millisecond of their making", (context) => {
  let now = 1_776_510_028_036;
  context.mock.method(Date, "now", () => now);
  for (const make of [newSandboxId, newExecId, newRunId, newRequestId]) {
    const ids = Array.from({ length: 100 }, () => {
      now += 1;
      return make();
    });
    assert.deepEqual(ids, ids.toSorted());
  }
});

test("what only looks like an id is none", () => {
  for (const text of [
    "",
    "sbx_",
    "sbx_01m81fmvaxzshpc686q862kbs",
    `${newSandboxId()}0`,
    ` ${newSandboxId()}`,
  ]) {
    assert.ok(!isSandboxId(text), text);
  }
  assert.ok(!isSandboxId(newSandboxId().toUpperCase()));
  assert.ok(!isSandboxId(`${newSandboxId()}\n`));
  assert.ok(!isTraceId("0".repeat(32)));
  assert.ok(!isSpanId("0".repeat(16)));
  assert.ok(!isTraceId("A".repeat(32)));
  assert.ok(isRunId("run_8f0e-LangGraph_7"));
  assert.ok(!isRunId(`run_${"x".repeat(65)}`));
  assert.ok(!isRunId("run_a/b"));
});
