import assert from "node:assert/strict";
import { test } from "node:test";
import { logsFromJson, metricsFromJson, tracesFromJson } from "./from-json.ts";

function traces(span: unknown): unknown {
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}

const refused: [why: string, read: () => unknown, message: RegExp][] = [
  ["a request that is no object", () => tracesFromJson([]), /the request is not an object/],
  ["a list that is none", () => tracesFromJson({ resourceSpans: {} }), /resourceSpans is not an array/],
  [
    "an id that is base64, as plain protobuf has it",
    () => tracesFromJson(traces({ traceId: "W47/95gDgQPSabYzgT/GDA==" })),
    /resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.traceId is not 32 hexadecimal digits/,
  ],
  ["an enum by name", () => tracesFromJson(traces({ kind: "SPAN_KIND_SERVER" })), /kind is not a 32-bit/],
  [
    "a time with a fraction",
    () => tracesFromJson(traces({ startTimeUnixNano: 1.5 })),
    /startTimeUnixNano is not a 64-bit integer/,
  ],
  [
    "a time before 1970",
    () => tracesFromJson(traces({ startTimeUnixNano: "-1" })),
    /startTimeUnixNano is not a 64-bit integer/,
  ],
  [
    "an array that nests without end",
    () => {
      let body: unknown = { stringValue: "" };
      for (let depth = 0; depth < 200; depth++) body = { arrayValue: { values: [body] } };
      return logsFromJson({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }] }] }] });
    },
    /nested too deep/,
  ],
];

for (const [why, read, message] of refused) {
  test(`${why} is refused with the name of the field`, () => {
    assert.throws(read, { name: "MalformedOtlpError", message });
  });
}

test("fields with unknown names, of proto style too, are left out, and null is absence", () => {
  const json = traces({ name: "a", trace_id: "00", traceState: null, somethingNew: { deep: [] } });
  assert.deepEqual(tracesFromJson(json), traces({ name: "a" }));
});

test("64-bit integers may be numbers, and doubles texts", () => {
  const point = { asInt: 5, count: 3, sum: "-Infinity", min: "1.5", max: "NaN" };
  const metrics = (dataPoints: unknown[]) => ({
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ histogram: { dataPoints } }] }] }],
  });
  assert.deepEqual(
    metricsFromJson(metrics([point])),
    metrics([{ count: "3", sum: Number.NEGATIVE_INFINITY, min: 1.5, max: Number.NaN }]),
  );
});
