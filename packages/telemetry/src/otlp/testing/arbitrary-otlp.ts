import fc from "fast-check";
import type {
  AnyValue,
  Exemplar,
  KeyValue,
  LogsData,
  MetricsData,
  OtlpLogRecord,
  OtlpMetric,
  OtlpSpan,
  Resource,
  Scope,
  TracesData,
} from "../model.ts";

// A field that holds its default is the same as an absent one, so only others are made where there is no presence.
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 300, size: "medium" });
const anyText = fc.string({ unit: "binary", maxLength: 300, size: "medium" });
const uint32 = fc.integer({ min: 1, max: 0x7fff_ffff });
const signed64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const unsigned64 = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);
// JSON.stringify knows no -0.
const double = fc.double().map((value) => value + 0);
const plainDouble = fc.double({ noNaN: true }).filter((value) => value !== 0);
const traceId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(hex);
const spanId = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(hex);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const { anyValue, keyValues } = fc.letrec<{ anyValue: AnyValue; keyValues: KeyValue[] }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ stringValue: anyText }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: signed64 }),
    fc.record({ doubleValue: double }),
    fc.record({
      bytesValue: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    }),
    fc.constant({}),
    fc.record({
      arrayValue: fc.record({ values: fc.array(tie("anyValue"), { minLength: 1, maxLength: 4 }) }),
    }),
    fc.record({ kvlistValue: fc.record({ values: tie("keyValues") }) }),
  ),
  keyValues: fc.array(fc.record({ key: text, value: tie("anyValue") }), { minLength: 1, maxLength: 5 }),
}));

const optional = { requiredKeys: [] };
const resource: fc.Arbitrary<Resource> = fc.record(
  { attributes: keyValues, droppedAttributesCount: uint32 },
  optional,
);
const scope: fc.Arbitrary<Scope> = fc.record(
  { name: text, version: text, attributes: keyValues, droppedAttributesCount: uint32 },
  optional,
);

const span: fc.Arbitrary<OtlpSpan> = fc.record(
  {
    traceId,
    spanId,
    traceState: text,
    parentSpanId: spanId,
    flags: uint32,
    name: text,
    kind: fc.integer({ min: 1, max: 5 }),
    startTimeUnixNano: unsigned64,
    endTimeUnixNano: unsigned64,
    attributes: keyValues,
    droppedAttributesCount: uint32,
    events: list(fc.record({ timeUnixNano: unsigned64, name: text, attributes: keyValues })),
    droppedEventsCount: uint32,
    links: list(fc.record({ traceId, spanId, traceState: text, attributes: keyValues, flags: uint32 })),
    droppedLinksCount: uint32,
    status: fc.record({ message: text, code: fc.integer({ min: 1, max: 2 }) }, optional),
  },
  { requiredKeys: ["traceId", "spanId", "name", "startTimeUnixNano", "endTimeUnixNano"] },
);

const logRecord: fc.Arbitrary<OtlpLogRecord> = fc.record(
  {
    timeUnixNano: unsigned64,
    observedTimeUnixNano: unsigned64,
    severityNumber: fc.integer({ min: 1, max: 24 }),
    severityText: text,
    body: anyValue,
    attributes: keyValues,
    droppedAttributesCount: uint32,
    flags: uint32,
    traceId,
    spanId,
    eventName: text,
  },
  optional,
);

const exemplar: fc.Arbitrary<Exemplar> = fc.record({
  timeUnixNano: unsigned64,
  asInt: signed64,
  traceId,
  spanId,
  filteredAttributes: keyValues,
});
const point = {
  attributes: keyValues,
  startTimeUnixNano: unsigned64,
  timeUnixNano: unsigned64,
  flags: uint32,
};
const numberPoint = fc.oneof(
  fc.record({ ...point, asDouble: double, exemplars: list(exemplar) }),
  fc.record({ ...point, asInt: signed64 }),
);
const histogramPoint = fc.record(
  {
    ...point,
    count: unsigned64,
    sum: double,
    bucketCounts: list(unsigned64),
    explicitBounds: list(plainDouble),
    exemplars: list(exemplar),
    min: double,
    max: double,
  },
  optional,
);
const buckets = fc.record(
  { offset: fc.integer({ min: -(2 ** 31), max: -1 }), bucketCounts: list(unsigned64) },
  optional,
);
const exponentialPoint = fc.record(
  {
    ...point,
    count: unsigned64,
    sum: double,
    scale: fc.integer({ min: -10, max: -1 }),
    zeroCount: unsigned64,
    positive: buckets,
    negative: buckets,
    exemplars: list(exemplar),
    min: double,
    max: double,
    zeroThreshold: plainDouble,
  },
  optional,
);
const summaryPoint = fc.record({
  ...point,
  count: unsigned64,
  sum: plainDouble,
  quantileValues: list(fc.record({ quantile: plainDouble, value: plainDouble })),
});
const temporality = { aggregationTemporality: fc.integer({ min: 1, max: 2 }) };
const named = { name: text, description: text, unit: text };
const metric: fc.Arbitrary<OtlpMetric> = fc.oneof(
  fc.record({ ...named, gauge: fc.record({ dataPoints: list(numberPoint) }) }),
  fc.record({
    ...named,
    sum: fc.record({ dataPoints: list(numberPoint), isMonotonic: fc.constant(true), ...temporality }),
  }),
  fc.record({ ...named, histogram: fc.record({ dataPoints: list(histogramPoint), ...temporality }) }),
  fc.record({
    ...named,
    metadata: keyValues,
    exponentialHistogram: fc.record({ dataPoints: list(exponentialPoint), ...temporality }),
  }),
  fc.record({ ...named, summary: fc.record({ dataPoints: list(summaryPoint) }) }),
);

function list<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(item, { minLength: 1, maxLength: 3 });
}

/** Requests of any content, in the shape of the model and without defaults written out. */
export const arbitraryTraces: fc.Arbitrary<TracesData> = fc.record({
  resourceSpans: list(
    fc.record({
      resource,
      scopeSpans: list(fc.record({ scope, spans: list(span), schemaUrl: text })),
      schemaUrl: text,
    }),
  ),
});
export const arbitraryLogs: fc.Arbitrary<LogsData> = fc.record({
  resourceLogs: list(
    fc.record({ resource, scopeLogs: list(fc.record({ scope, logRecords: list(logRecord) })) }),
  ),
});
export const arbitraryMetrics: fc.Arbitrary<MetricsData> = fc.record({
  resourceMetrics: list(
    fc.record({ resource, scopeMetrics: list(fc.record({ scope, metrics: list(metric) })) }),
  ),
});
