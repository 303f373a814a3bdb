import { EVENT_TYPES, type RuntimeEvent } from "@sandglass/protocol";
import fc from "fast-check";
import { FULL_DATA } from "./otel-events.ts";

/** Few of each, so that beginnings meet their endings, and links what they lead to. */
const SANDBOXES = ["", "sbx_a", "sbx_01m81fmvaxzshpc686q862kbs9"];
const RUNS = ["", "run_1", 'run "2"'];
const EXECS = ["exec_1", "exec_2"];
const CALLS = ["call_1", "call_ä"];

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.constantFrom("", "\n", '"', "\\", "\u001b[31m", "half \ud83d of a pair", "ä"),
  // Around where a length becomes one byte longer.
  fc.integer({ min: 80, max: 140 }).map((length) => "x".repeat(length)),
  fc.constantFrom("\n".repeat(16_384), "é".repeat(9000)),
);
const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((thousandths) => thousandths / 1000),
  fc.constantFrom(0, 1e21, 1e-7, Number("123456789012345678"), 0.1234567890123456),
);
const boolean = fc.boolean();
const hex = (length: number) =>
  fc.oneof(
    fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length }),
    fc.constantFrom("", "0".repeat(length - 1).concat("1")),
  );
const timestamp = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 999_999 }))
    .map(([second, micros]) => `2026-04-18T14:00:${pad(second, 2)}.${pad(micros, 6)}Z`),
  fc.constantFrom("2026-04-18T14:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", "?"),
);

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

/** Another value of the kind that a field has in {@link FULL_DATA}. */
function like(field: string, value: unknown): fc.Arbitrary<unknown> {
  switch (field) {
    case "execId":
      return fc.constantFrom(...EXECS);
    case "toolCallId":
      return fc.constantFrom(...CALLS);
    case "winner":
      return fc.constantFrom(...SANDBOXES);
    case "children":
      return fc.array(fc.constantFrom(...SANDBOXES), { maxLength: 3 });
    case "exception":
      return fc.record({ type: text, message: text, stacktrace: text }, { requiredKeys: ["type"] });
    case "cause":
      return fc.constantFrom("exited", "oom_killed");
    case "status":
      return typeof value === "number" ? fc.integer({ min: 200, max: 599 }) : fc.constantFrom("ok", "error");
  }
  if (typeof value === "string") return fc.oneof(fc.constant(value), text);
  if (typeof value === "number") return fc.oneof(fc.constant(value), number);
  if (typeof value === "boolean") return boolean;
  return fc.dictionary(text, fc.oneof(text, number, boolean), { maxKeys: 4 });
}

/** Fields that no type has: of a later version. */
const unknownFields = fc.dictionary(
  fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("gpuIndex", "__proto__", 'a"b', "é", "id")),
  fc.oneof(fc.jsonValue({ maxDepth: 3 }), text) as fc.Arbitrary<unknown>,
  { maxKeys: 3 },
);

/** What some fields can be left out of, so that one is not in every event. */
const needed = new Set(["durationMs", "cause", "status", "children", "winner", "name", "template"]);

function dataOf(type: keyof typeof FULL_DATA): fc.Arbitrary<object> {
  const fields = Object.entries(FULL_DATA[type]);
  const known = fc.record(Object.fromEntries(fields.map(([name, value]) => [name, like(name, value)])), {
    requiredKeys: fields.map(([name]) => name).filter((name) => needed.has(name) || name.endsWith("Id")),
  });
  return fc
    .tuple(known, unknownFields, fc.boolean())
    .map(([data, more, isFirst]) => (isFirst ? { ...more, ...data } : { ...data, ...more, ...data }));
}

/** An event of any type with anything in it, whose data is as the types have it and may have more. */
export const arbitraryEvent: fc.Arbitrary<RuntimeEvent> = fc.constantFrom(...EVENT_TYPES).chain((type) =>
  fc.record({
    id: fc.oneof(
      fc.uuid().map((id) => `evt_${id}`),
      text,
    ),
    seq: fc.nat(),
    timestamp,
    type: fc.constant(type),
    level: fc.constantFrom("debug", "info", "warn", "error"),
    orgId: fc.oneof(fc.constantFrom("default", ""), text),
    sandboxId: fc.constantFrom(...SANDBOXES),
    runId: fc.constantFrom(...RUNS),
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16),
    data: dataOf(type),
  }),
) as fc.Arbitrary<RuntimeEvent>;

/** An event as JSON, mostly as the recorder writes it. */
export const arbitraryJson: fc.Arbitrary<string> = fc
  .tuple(arbitraryEvent, fc.integer({ min: 0, max: 9 }))
  .map(([event, style]) => {
    if (style === 0) return JSON.stringify(event, null, 1);
    const { type, data, ...rest } = event;
    return JSON.stringify(style === 1 ? { data, ...rest, type } : event);
  });
