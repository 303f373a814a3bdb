import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { EventSelector, type ExporterFilter } from "./event-selector.ts";
import { LogEvent } from "./log-event.ts";
import { compileWhere } from "./where.ts";

const completed = {
  id: "evt_1",
  seq: 3,
  type: "exec.completed",
  level: "warn",
  orgId: "acme",
  sandboxId: "sbx_a",
  data: { exitCode: 137, cause: "oom_killed", command: "sort big", durationMs: 12.5, reason: undefined },
} as unknown as RuntimeEvent;

const TRUE = [
  'data.exitCode != 0 && type == "exec.completed"',
  'data.cause == "oom_killed" || data.nothing.at.all == 1',
  "data.durationMs > 12 && data.durationMs <= 12.5",
  'type.startsWith("exec.") && !type.endsWith(".started")',
  '["oom_killed", "timed_out"].includes(data.cause)',
  'data["exitCode"] - 128 == 9',
  "data.missing != 1",
  'data.command.includes("big") ? seq > 2 : false',
  'level < "z"',
  "data.command.length === 8",
  "-data.exitCode < 0",
];
const FALSE = [
  "data.missing == 1",
  "data.missing > 1",
  'data.exitCode == "137"',
  "data.constructor",
  "data.toString",
  'data["__proto__"]',
  "!data.exitCode",
];

for (const expression of TRUE) {
  test(`where ${expression} holds`, () => assert.equal(compileWhere(expression)(completed), true));
}
for (const expression of FALSE) {
  test(`where ${expression} does not hold`, () => assert.equal(compileWhere(expression)(completed), false));
}

for (const [expression, problem] of [
  ["data.exitCode !=", /cannot be read/],
  ["typ == 1", /names "typ".*did you mean "type"/],
  ["process.exit()", /names "process"|may call only/],
  ['data.constructor("return process")()', /may call only/],
  ["data.command.matches('x')", /may call only startsWith, endsWith, includes/],
  ["1 2", /more than one expression/],
  ["this", /ThisExpression, which is not supported/],
  ["type = 1", /cannot be read|not supported/],
  ["data.exitCode ** 2", /not supported|cannot be read/],
  ["", /more than one|cannot be read|not supported|empty/],
  ["1 || ".repeat(1000), /longer than 2000/],
  [Array(11).fill('data.command.includes("x")').join(" || "), /more than 10 calls/],
] as const) {
  test(`where ${expression.slice(0, 40)} is refused with a reason`, () => {
    assert.throws(() => compileWhere(expression), { code: "INVALID_REQUEST", message: problem });
  });
}

function select(filter: ExporterFilter, event: unknown = completed): [string, number] {
  const selector = new EventSelector({ filter });
  const selection = selector.select(new LogEvent(1, Buffer.from(JSON.stringify(event))));
  return [selection, selector.errors];
}

test("types, levels, conditions and expressions have to hold together", () => {
  assert.deepEqual(select({}), ["wanted", 0]);
  assert.deepEqual(select({ types: ["exec.*"], minLevel: "warn", where: "data.exitCode > 1" }), [
    "wanted",
    0,
  ]);
  assert.deepEqual(select({ types: ["exec.*", "!exec.completed"] }), ["filtered", 0]);
  assert.deepEqual(select({ minLevel: "error" }), ["filtered", 0]);
  assert.deepEqual(select({ where: "data.exitCode == 0" }), ["filtered", 0]);
  assert.deepEqual(select({ condition: ({ sandboxId }) => sandboxId === "sbx_b" }), ["filtered", 0]);
});

test("a condition that throws is counted and lets the event through, and the rest of the filter still counts", () => {
  const condition = (): boolean => {
    throw new Error("no");
  };
  assert.deepEqual(select({ condition }), ["wanted", 1]);
  assert.deepEqual(select({ condition, where: "data.exitCode == 0" }), ["filtered", 0]);
});

test("a record that is no event is corrupt for whoever looks inside, and passed on to who does not", () => {
  const torn = new LogEvent(1, Buffer.from('{"type":'));
  assert.equal(new EventSelector({}).select(torn), "corrupt");
  assert.equal(new EventSelector({ needsEvents: false }).select(torn), "wanted");
});

test("a filter that can match nothing is refused", () => {
  assert.throws(
    () => new EventSelector({ filter: { types: ["exec.complete"] } }),
    /did you mean "exec.completed"/,
  );
});
