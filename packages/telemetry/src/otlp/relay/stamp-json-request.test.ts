import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Signal } from "../model.ts";
import { encodeByOracle } from "../testing/oracle.ts";
import { stampJsonRequest } from "./stamp-json-request.ts";
import { stampRequest } from "./stamp-request.ts";
import { decodeEntries } from "./testing/decode-resources.ts";
import { HOST_KEY_VALUES, TEST_STAMP } from "./testing/test-stamp.ts";

function stampText(signal: Signal, text: string) {
  return stampJsonRequest(signal, Buffer.from(text), TEST_STAMP);
}

/** The first item of a request, as protobufjs decodes what is passed on. */
function relayed(signal: Signal, text: string): Record<string, unknown> {
  const result = stampText(signal, text);
  if ("error" in result) throw new Error(result.error.reason);
  const [entry] = decodeEntries(signal, result.bytes) as unknown as Record<
    string,
    Record<string, object[]>[]
  >[];
  const scopes = entry!.scopeSpans ?? entry!.scopeLogs ?? entry!.scopeMetrics;
  const { spans, logRecords, metrics } = scopes![0]!;
  return (spans ?? logRecords ?? metrics)![0] as Record<string, unknown>;
}

const span = (fields: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${fields}}]}]}]}`;
const record = (fields: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${fields}}]}]}]}`;
const metric = (fields: string) => `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{${fields}}]}]}]}`;

/** protobufjs would write out the two fields of the examples that hold their default. */
function withoutDefaults(text: string): unknown {
  return JSON.parse(text, (name, value) =>
    value === 0 && (name === "scale" || name === "zeroThreshold") ? undefined : value,
  );
}

const examples: [file: string, signal: Signal][] = [
  ["trace.json", "traces"],
  ["logs.json", "logs"],
  ["events.json", "logs"],
  ["metrics.json", "metrics"],
];

for (const [file, signal] of examples) {
  test(`${file} is passed on as the same request in protobuf would be`, () => {
    const text = readFileSync(join(import.meta.dirname, "../fixtures", file), "utf8");
    const inProtobuf = stampRequest(signal, encodeByOracle(signal, withoutDefaults(text)), TEST_STAMP);
    const inJson = stampText(signal, text);
    assert.ok("bytes" in inProtobuf && "bytes" in inJson);
    assert.deepEqual(decodeEntries(signal, inJson.bytes), decodeEntries(signal, inProtobuf.bytes));
    assert.deepEqual({ ...inJson, bytes: 0 }, { ...inProtobuf, bytes: 0 });
  });
}

test("forged attributes are removed, with the key in escapes too", () => {
  const text = `{"resourceSpans":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"worker"}},
    {"key":"sandglass.sandbox.id","value":{"stringValue":"forged"}},
    {"key":"\\u0073andglass.sandbox\\u002eid","value":{"stringValue":"forged"}}]}}]}`;
  const result = stampText("traces", text);
  assert.ok("bytes" in result);
  assert.equal(result.removed, 2);
  assert.deepEqual(decodeEntries("traces", result.bytes)[0]?.resource?.attributes, [
    ...HOST_KEY_VALUES,
    { key: "service.name", value: { stringValue: "worker" } },
  ]);
});

describe("an integer of 64 bits arrives as it was sent", () => {
  for (const [how, write] of [
    ["as text", (digits: string) => `"${digits}"`],
    ["as a number", (digits: string) => digits],
  ] as const) {
    test(`as a time, ${how}`, () => {
      const sent = relayed("traces", span(`"startTimeUnixNano": ${write("1776510028036123457")}`));
      assert.equal(sent.startTimeUnixNano, "1776510028036123457");
      const largest = relayed("logs", record(`"timeUnixNano":${write("18446744073709551615")}`));
      assert.equal(largest.timeUnixNano, "18446744073709551615");
    });

    test(`as a value, ${how}`, () => {
      const sent = relayed("logs", record(`"body":{"intValue":\n ${write("-9223372036854775807")}}`));
      assert.deepEqual(sent.body, { intValue: "-9223372036854775807" });
    });

    test(`in a list, ${how}, beside doubles`, () => {
      const counts = [write("9007199254740993"), write("2")].join(",");
      const point = `{"bucketCounts":[${counts}],"explicitBounds":[0.1, 1e300],"count":${write("9007199254740995")}}`;
      const { histogram } = relayed("metrics", metric(`"histogram":{"dataPoints":[${point}]}`));
      assert.deepEqual(histogram, {
        dataPoints: [
          {
            bucketCounts: ["9007199254740993", "2"],
            explicitBounds: [0.1, 1e300],
            count: "9007199254740995",
          },
        ],
      });
    });
  }

  test("a number that is large and a double stays one", () => {
    const sent = relayed("logs", record(`"body":{"doubleValue":12345678901234567890}`));
    assert.deepEqual(sent.body, { doubleValue: Number("12345678901234567890") });
  });
});

test("enums may be numbers or names", () => {
  const named = span(
    `"kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"SPAN_KIND_SERVER"}`,
  );
  const numbered = span(`"kind":3,"status":{"code":2,"message":"SPAN_KIND_SERVER"}`);
  assert.deepEqual(relayed("traces", named), relayed("traces", numbered));
  assert.equal(relayed("logs", record(`"severityNumber":"SEVERITY_NUMBER_WARN3"`)).severityNumber, 15);
  assert.equal(relayed("logs", record(`"severityNumber":"SEVERITY_NUMBER_FATAL4"`)).severityNumber, 24);
  const sum = relayed(
    "metrics",
    metric(`"sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE"}`),
  );
  assert.deepEqual(sum.sum, { aggregationTemporality: 2 });
});

test("ids may be in upper case, bytes are base64, and fields that nobody knows are left out", () => {
  const sent = relayed(
    "traces",
    span(`"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","unknown":{"a":[1e400]},
      "attributes":[{"key":"b","value":{"bytesValue":"AP8="}}]`),
  );
  assert.deepEqual(sent, {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    attributes: [{ key: "b", value: { bytesValue: "AP8=" } }],
  });
});

const refused: [why: string, body: string | Buffer, reason: RegExp][] = [
  ["no JSON", "{", /^the body is no JSON$/],
  ["nothing", "", /^the body is no JSON$/],
  ["no UTF-8", Buffer.from(`{"a":"\u00e9"}`, "latin1"), /^the body is not UTF-8$/],
  ["no object", "[]", /^the request is not an object$/],
  [
    "nested without end",
    `{"a":${"[".repeat(30_000)}1e5${"]".repeat(30_000)}}`,
    /^the body is nested too deep$/,
  ],
  [
    "an integer that does not fit",
    span(`"endTimeUnixNano":18446744073709551616`),
    /endTimeUnixNano is not a 64-bit/,
  ],
  [
    "a large integer with an exponent",
    span(`"endTimeUnixNano":1.7765100280361234e18`),
    /is not a 64-bit integer$/,
  ],
  ["a large number for a text", span(`"name":12345678901234567890`), /name is not a text$/],
  ["a large number for an id", span(`"spanId":1234567890123456`), /spanId is not 16 hexadecimal digits$/],
  ["an enum by a name that there is not", span(`"kind":"SPAN_KIND_FRIEND"`), /kind is not a 32-bit integer$/],
  ["an enum by the name of another", span(`"kind":"STATUS_CODE_OK"`), /kind is not a 32-bit integer$/],
];

for (const [why, body, reason] of refused) {
  test(`a body is refused that is, or holds, ${why}`, () => {
    const result = stampJsonRequest("traces", Buffer.from(body), TEST_STAMP);
    assert.ok("error" in result);
    assert.equal(result.error.kind, "malformed");
    assert.match(result.error.reason, reason);
  });
}

test("limits hold for JSON as for protobuf", () => {
  const text = `{"resourceSpans":[{},{},{}]}`;
  const result = stampJsonRequest("traces", Buffer.from(text), TEST_STAMP, { maxResources: 2 });
  assert.equal("error" in result && result.error.kind, "limit");
});
