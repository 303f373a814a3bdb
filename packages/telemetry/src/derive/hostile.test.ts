import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeLogs } from "../otlp/encode-logs.ts";
import { encodeTraces } from "../otlp/encode-traces.ts";
import type { AnyValue, KeyValue, LogsData, TracesData } from "../otlp/model.ts";
import { arbitraryLogs, arbitraryTraces } from "../otlp/testing/arbitrary-otlp.ts";
import { Deriver } from "./deriver.ts";
import { checkEvent, derive, spans, telemetryRecord } from "./testing/telemetry-records.ts";

/** Everything that is looked at, and names that objects have of themselves. */
const NAMES = [
  "gen_ai.operation.name",
  "gen_ai.request.model",
  "gen_ai.response.model",
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.total_tokens",
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_creation.input_tokens",
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.tool.name",
  "gen_ai.tool.call.id",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.output.messages",
  "openinference.span.kind",
  "llm.token_count.prompt",
  "llm.cost.total",
  "operation.cost",
  "ai.operationId",
  "ai.response.reasoning",
  "traceloop.span.kind",
  "langsmith.span.kind",
  "error.type",
  "success",
  "request_id",
  "tool_use_id",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cost_usd",
  "duration_ms",
  "model",
  "event.name",
  "session.id",
  "input_token_count",
  "output_token_count",
  "thoughts_token_count",
  "function_args",
  "status_code",
  "__proto__",
  "constructor",
  "toString",
];
const TEXTS = [
  "chat",
  "execute_tool",
  "invoke_agent",
  "LLM",
  "TOOL",
  "ai.generateText.doGenerate",
  "ai.toolCall",
  "tool",
  "llm",
  "__proto__",
  "constructor",
  "12",
  "-12",
  "1e308",
  "NaN",
  "Infinity",
  "0x10",
  "true",
  '[{"parts":[{"type":"reasoning","content":5},null,{"type":"thinking","content":"x"}]},null,7]',
  "\u0000\u001b]0;x\u0007",
  "x".repeat(100_000),
];
const LOG_NAMES = [
  "claude_code.api_request",
  "claude_code.tool_result",
  "claude_code.api_error",
  "codex.sse_event",
  "codex.tool_result",
  "codex.api_request",
  "gemini_cli.api_response",
  "gemini_cli.tool_call",
  "gemini_cli.api_error",
  "gen_ai.client.inference.operation.details",
];

const value: fc.Arbitrary<AnyValue> = fc.oneof(
  fc.constantFrom(...TEXTS).map((stringValue) => ({ stringValue })),
  fc
    .constantFrom(-1, 0, 1, 2 ** 53, "9223372036854775807", "-9223372036854775808")
    .map((intValue) => ({ intValue })),
  fc
    .constantFrom(Number.NaN, Infinity, -Infinity, 1e308, -1, 0.5, 5e-324, 1e12)
    .map((doubleValue) => ({ doubleValue })),
  fc.constantFrom<AnyValue>(
    {},
    { boolValue: true },
    { bytesValue: "AAAA" },
    { arrayValue: {} },
    { arrayValue: { values: [{}, { arrayValue: { values: [{ stringValue: "x" }] } }] } },
    { kvlistValue: { values: [{ key: "__proto__", value: { stringValue: "x" } }, { key: "y" }] } },
  ),
);
const attributes: fc.Arbitrary<KeyValue[]> = fc.array(
  fc.record({ key: fc.constantFrom(...NAMES), value }, { requiredKeys: ["key"] }),
  { maxLength: 25 },
);
const id = fc.constantFrom("0000000000000001", "0000000000000002", "0000000000000003", "0000000000000000");
const time = fc.constantFrom("0", "1", "1791118800000000000", "1791118801000000000", "18446744073709551615");
const traceId = fc.constantFrom("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32), "");
const span = fc.record({
  traceId,
  spanId: id,
  parentSpanId: fc.oneof(id, fc.constant("")),
  name: fc.constantFrom(
    "chat",
    "",
    "claude_code.llm_request",
    "claude_code.tool",
    "claude_code.tool.execution",
  ),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  status: fc.constantFrom({}, { code: 2, message: "no" }, { code: 99 }),
});
const logRecord = fc.record({
  traceId,
  spanId: id,
  timeUnixNano: time,
  observedTimeUnixNano: time,
  eventName: fc.constantFrom("", ...LOG_NAMES),
  body: value,
  attributes,
});
const traces: fc.Arbitrary<TracesData> = fc
  .array(span, { minLength: 1, maxLength: 6 })
  .map((items) => ({ resourceSpans: [{ scopeSpans: [{ spans: items }] }] }));
const logsData: fc.Arbitrary<LogsData> = fc
  .array(logRecord, { minLength: 1, maxLength: 6 })
  .map((items) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: items }] }] }));

describe("whatever is sent", () => {
  test("becomes events that the record can take, or none; and the same again becomes none", () => {
    let events = 0;
    const property = fc.property(fc.oneof(traces, logsData), fc.boolean(), (data, captureContent) => {
      const deriver = new Deriver({ captureContent });
      const record = telemetryRecord(data);
      events += deriver.derive(record).map(checkEvent).length;
      assert.deepEqual(deriver.derive(record), []);
      assert.equal(deriver.stats().malformedRecords, 0);
    });
    fc.assert(property, { numRuns: 1500 });
    assert.ok(events > 1000, "hardly anything was derived: the property says little");
  });

  test("throws nothing where it is any OTLP", () => {
    const deriver = new Deriver({ captureContent: true });
    fc.assert(
      fc.property(arbitraryTraces, (data) => {
        const marked = [
          ...encodeTraces(data),
          ...encodeTraces(spans({ name: "x", id: 1, attributes: { "gen_ai.x": 1 } })),
        ];
        deriver.derive(telemetryRecord(data, { body: Buffer.from(marked) })).forEach(checkEvent);
      }),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(arbitraryLogs, (data) => {
        const body = Buffer.concat([
          encodeLogs(data),
          encodeLogs({ resourceLogs: [{ resource: { attributes: [{ key: "gen_ai." }] } }] }),
        ]);
        deriver.derive(telemetryRecord(data, { body })).forEach(checkEvent);
      }),
      { numRuns: 60 },
    );
    const { decodedRecords, malformedRecords } = deriver.stats();
    assert.deepEqual([decodedRecords, malformedRecords], [120, 0]);
  });

  test("throws nothing where it is any bytes", () => {
    const deriver = new Deriver();
    const signal = fc.constantFrom("traces", "logs", "metrics");
    const whole = encodeTraces(
      spans({
        name: "chat",
        id: 1,
        attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m" },
      }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((start) => Buffer.concat([start, Buffer.from("gen_ai.")])),
      fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }).map(({ at, byte }) => {
        const mutated = Buffer.from(whole);
        mutated[at] = byte;
        return mutated;
      }),
    );
    fc.assert(
      fc.property(signal, bytes, (kind, body) => {
        deriver
          .derive(telemetryRecord({ resourceSpans: [] }, { signal: kind as "traces", body }))
          .forEach(checkEvent);
      }),
      { numRuns: 2000 },
    );
  });

  test("numbers that are none count as absent, and tokens stay integers", () => {
    const chat = { "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o" };
    const used = (input: string | number, output: string | number) =>
      derive([
        spans({
          name: "chat",
          id: 1,
          attributes: { ...chat, "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output },
        }),
      ]).map(({ data }) => ("inputTokens" in data ? [data.inputTokens, data.outputTokens] : []));
    for (const none of [-1, Number.NaN, Infinity, 1e308, 1e13, "-5", "NaN", "many", "0x10", "", " 5"]) {
      assert.deepEqual(used(none, 7), [[0, 7]], String(none));
    }
    assert.deepEqual(used(1.9, "12"), [[1, 12]]);
    assert.deepEqual(used(1e12, 5), [[1e12, 5]]);
  });

  test("attributes of 10 MB and spans with 100,000 attributes are no trouble", () => {
    const long = "x".repeat(10 * 1024 * 1024);
    const many = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, index) => [`gen_ai.x${index}`, index]),
    );
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": long,
      "gen_ai.usage.input_tokens": 5,
      "gen_ai.output.messages": `[{"parts":[{"type":"reasoning","content":"${long}"}]}]`,
      ...many,
    };
    const [event] = derive([spans({ name: long, id: 1, attributes })]);
    assert.ok(event?.type === "cost.llm" && "model" in event.data);
    assert.equal(event.data.model.length, 200);
  });
});
