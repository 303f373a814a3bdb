import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileWasm, SPANS } from "../../../scripts/build-wasm.ts";
import { LogEvent } from "../../delivery/log-event.ts";
import { ScannedEvent } from "../../scan/scanned-event.ts";
import { OtelBatchWriter } from "../otel-batch-writer.ts";
import { OtelEventScan } from "../otel-event-scan.ts";
import { arbitraryJson } from "../testing/arbitrary-events.ts";
import { otelEvent, otelEvents } from "../testing/otel-events.ts";
import { BINARY } from "./binary.ts";
import { CompiledScan } from "./compiled-scan.ts";

const sending = { service: [], scope: { name: "sandglass", version: "1.2.3" } };

function logEvents(payloads: readonly string[]): LogEvent[] {
  return payloads.map((payload, index) => new LogEvent(index + 1, Buffer.from(payload)));
}

function writeOf(payloads: readonly string[], writer: OtelBatchWriter): unknown {
  const { traces, logs, ...counts } = writer.write(
    logEvents(payloads),
    () => ({ traces: true, logs: true }),
    () => undefined,
  );
  return { ...counts, traces: traces?.toString("hex"), logs: logs?.toString("hex") };
}

/** Byte for byte, when the events are met first and when they were. */
function assertSame(payloads: readonly string[]): void {
  const [compiled, plain] = [new OtelBatchWriter(sending), new OtelBatchWriter(sending, false)];
  for (const round of [1, 2, 3]) {
    assert.deepEqual(writeOf(payloads, compiled), writeOf(payloads, plain), `round ${round}`);
  }
}

/** Whether the last event is scanned in WebAssembly once those before it were met. */
function isCompiled(...payloads: string[]): boolean {
  const scanned = new ScannedEvent((names) => new OtelEventScan(names, CompiledScan.create()));
  for (const event of logEvents(payloads)) assert.ok(scanned.read(event));
  return scanned.scan.compiled !== undefined;
}

/** An ending of an exec with a field whose value is written as it is given. */
function withField(json: string): string {
  return JSON.stringify(otelEvent("exec.completed")).replace(/\}\}$/, `,"someField":${json}}}`);
}

test("what is in the sources is what the compiler makes of them", async () => {
  assert.ok((await compileWasm(SPANS)).equals(Buffer.from(BINARY, "base64")), "run scripts/build-wasm.ts");
});

test("events of every type are scanned in WebAssembly when one of their type was met", () => {
  for (const event of otelEvents()) {
    const json = JSON.stringify(event);
    assert.ok(isCompiled(json, json), event.type);
    assert.ok(!isCompiled(json), `${event.type}, met first`);
  }
});

test("events of every type are the same bytes in either way", () => {
  assertSame(otelEvents().map((event) => JSON.stringify(event)));
});

test("any events are the same bytes in either way, and what is no event is none", () => {
  const broken = fc
    .tuple(
      arbitraryJson,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom("", '"', "}", "\\", ","),
    )
    .map(([json, share, cut]) => json.slice(0, Math.floor(json.length * share)) + cut);
  const payload = fc.oneof({ weight: 9, arbitrary: arbitraryJson }, broken);
  fc.assert(
    fc.property(fc.array(payload, { minLength: 1, maxLength: 8 }), (payloads) => assertSame(payloads)),
    { numRuns: 60 },
  );
});

test("numbers of every form are the same bytes in either way", () => {
  const forms = ["0", "-0", "-1", "127", "128", "1.5", "-0.001", "1e3", "1E3", "-2.5e-7", "123456789012345"];
  const large = ["999999999999999", "1234567890123456", "9007199254740991", "9007199254740993", "1e400"];
  const exact = [
    "0.1",
    "0.30000000000000004",
    "1234567890.12345",
    "4.35",
    "1.7976931348623157e308",
    "5e-324",
  ];
  for (const form of [...forms, ...large, ...exact]) assertSame([withField(form)]);
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc
      .tuple(fc.integer(), fc.integer({ min: 0, max: 15 }))
      .map(([value, exponent]) => value / 10 ** exponent),
  );
  fc.assert(
    fc.property(fc.array(number, { maxLength: 50 }), (list) =>
      assertSame(list.map((each) => withField(String(each)))),
    ),
    {
      numRuns: 25,
    },
  );
});

test("texts with any escapes are the same bytes in either way", () => {
  const pieces = [
    '\\"',
    "\\\\",
    "\\/",
    "\\n",
    "\\u001b",
    "\\u00e4",
    "\\u20ac",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ude00",
    "ä",
    "€",
    "😀",
    "x",
  ];
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((list) => `"${list.join("")}"`);
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => assertSame(texts.map(withField))),
    { numRuns: 80 },
  );
  const escaped = withField('"\\u001b[31m\\n\\ud83d"');
  assert.ok(isCompiled(escaped, escaped));
});

test("texts of every length up to where lengths take three bytes are the same bytes in either way", () => {
  const lengths = [...Array.from({ length: 300 }, (_, length) => length), 16_370, 16_384, 16_400, 100_000];
  assertSame(lengths.map((length) => withField(JSON.stringify("x".repeat(length)))));
  assertSame(lengths.map((length) => withField(JSON.stringify("\n".repeat(length)))));
});

test("an event that is too large, or says too much, is the same bytes in either way", () => {
  const large = withField(JSON.stringify("x".repeat(300_000)));
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`field${index}`, "y".repeat(90)]),
  );
  assertSame([large, withField(JSON.stringify(many)), withField("1")]);
  const names = Array.from({ length: 900 }, (_, index) =>
    withField(JSON.stringify(index)).replace("someField", `f${index}`),
  );
  assertSame([...names, withField("1")]);
  assert.ok(!isCompiled(large, large));
});

test("a span that began with another event, and one with links, are the same bytes in either way", () => {
  const ids = { runId: "run_1", traceId: "a".repeat(32) };
  const opening = { ...otelEvent("exec.started"), ...ids, spanId: "b".repeat(16), parentSpanId: "" };
  const ending = {
    ...otelEvent("exec.completed"),
    ...ids,
    spanId: "c".repeat(16),
    parentSpanId: "d".repeat(16),
  };
  const long = { ...opening, data: { ...opening.data, cwd: "/long".repeat(20_000) } };
  const run = { ...otelEvent("run.started"), ...ids, spanId: "e".repeat(16) };
  const odd = { ...ending, traceId: "not hexadecimal!", spanId: "abc", parentSpanId: "ä" };
  for (const events of [
    [opening, ending],
    [long, ending],
    [run, ending],
    [run, opening, ending],
    [odd, odd],
  ]) {
    assertSame(events.map((event) => JSON.stringify(event)));
  }
});

test("batches about more than there is room for are the same bytes in either way", () => {
  const events = Array.from({ length: 600 }, (_, index) => ({
    ...otelEvent("exec.completed"),
    sandboxId: `sbx_${index % 400}`,
    runId: index % 7 === 0 ? "run".repeat(100) : "",
  }));
  assertSame(events.map((event) => JSON.stringify(event)));
});
