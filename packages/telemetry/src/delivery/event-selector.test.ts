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

function recorded(type: string, seq: number, more: object = {}): RuntimeEvent {
  const id = `evt_0199a4f0-0000-7000-8000-${String(seq).padStart(12, "0")}`;
  const timestamp = "2026-04-18T14:00:00.000042Z";
  const rest = {
    level: "info",
    orgId: "o",
    sandboxId: "s",
    runId: "",
    traceId: "",
    spanId: "",
    parentSpanId: "",
  };
  return { id, seq, timestamp, type, ...rest, data: {}, ...more } as unknown as RuntimeEvent;
}

test("a destination that decides by the type alone is asked once of each, whatever stands around it", () => {
  const asked: string[] = [];
  const accepts = ({ type }: RuntimeEvent): boolean => {
    asked.push(type);
    return type === "exec.completed";
  };
  const selector = new EventSelector({ accepts, acceptsByType: true, needsEvents: false });
  const select = (event: object): string =>
    selector.select(
      new LogEvent(1, Buffer.from(`xx${JSON.stringify(event)}xx`), 2, 2 + JSON.stringify(event).length),
    );
  for (const seq of [1, 9, 10, 99_999, 123_456_789, 3]) {
    assert.equal(select(recorded("exec.completed", seq)), "wanted");
    assert.equal(select(recorded("exec.started", seq)), "filtered");
  }
  assert.deepEqual(asked, ["exec.completed", "exec.started"]);
  // What is longer than it was, stands in another order, or says a type within a text is looked at.
  const nested = { data: { code: '","type":"exec.completed",' } };
  assert.equal(select(recorded("exec.started", 4, nested)), "filtered");
  assert.equal(
    select(recorded("exec.started", 4, { id: 'evt_","seq":4,"timestamp":"","type":"exec.completed",' })),
    "filtered",
  );
  const { type, ...rest } = recorded("exec.completed", 4);
  assert.equal(select({ type, ...rest }), "wanted");
  assert.equal(select(recorded("exec.completed", 5, { timestamp: "2026-04-18T14:00:00Z" })), "wanted");
  assert.equal(select(recorded("exec.completed", 6)), "wanted");
  assert.equal(selector.select(new LogEvent(1, Buffer.from('{"id":"evt_1","seq":'))), "corrupt");
});

test("more types than are kept are decided all the same", () => {
  const accepts = ({ type }: RuntimeEvent): boolean => type.endsWith("1");
  const selector = new EventSelector({ accepts, acceptsByType: true, needsEvents: false });
  for (let round = 0; round < 3; round++) {
    for (let number = 0; number < 30; number++) {
      const event = new LogEvent(1, Buffer.from(JSON.stringify(recorded(`type.${number}`, number))));
      assert.equal(selector.select(event), number % 10 === 1 ? "wanted" : "filtered");
    }
  }
});
