/**
 * OTLP as data, in the shape of OTLP/JSON (opentelemetry-proto 1.5, `docs/specification.md`, "JSON Protobuf Encoding"), which
 * makes that encoding nearly a print and the names those that everybody knows. What differs from what may stand in a text:
 *
 * - trace and span ids are lower-case hex;
 * - 64-bit integers are decimal text, or a number where that is a safe integer ({@link Int64});
 * - doubles are numbers, also where they are not finite (in JSON: `"NaN"`, `"Infinity"`, `"-Infinity"`);
 * - bytes are base64;
 * - a field that holds its default may be absent.
 */

/** A 64-bit integer. A number only where `Number.isSafeInteger` holds: nothing is rounded on its way through here. */
export type Int64 = number | string;

/** Nanoseconds since 1970 as decimal text, which no JavaScript number can hold. */
export type UnixNano = string;

/** At most one of its fields is set; none is an empty value. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: Int64;
  doubleValue?: number;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
  /** Base64. */
  bytesValue?: string;
}

export interface KeyValue {
  key: string;
  value?: AnyValue;
}

export interface Resource {
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
}

export interface Scope {
  name?: string;
  version?: string;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
}

/** `SpanKind`. */
export const SPAN_KIND = { INTERNAL: 1, SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 } as const;
/** `Status.StatusCode`. */
export const STATUS_CODE = { UNSET: 0, OK: 1, ERROR: 2 } as const;

export interface OtlpSpan {
  traceId: string;
  spanId: string;
  traceState?: string;
  /** "" of a root. */
  parentSpanId?: string;
  flags?: number;
  name: string;
  kind?: number;
  startTimeUnixNano: UnixNano;
  endTimeUnixNano: UnixNano;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
  events?: OtlpSpanEvent[];
  droppedEventsCount?: number;
  links?: OtlpLink[];
  droppedLinksCount?: number;
  status?: { message?: string; code?: number };
}

export interface OtlpSpanEvent {
  timeUnixNano: UnixNano;
  name: string;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
}

export interface OtlpLink {
  traceId: string;
  spanId: string;
  traceState?: string;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
}

export interface TracesData {
  resourceSpans?: {
    resource?: Resource;
    scopeSpans?: { scope?: Scope; spans?: OtlpSpan[]; schemaUrl?: string }[];
    schemaUrl?: string;
  }[];
}

export interface OtlpLogRecord {
  timeUnixNano?: UnixNano;
  observedTimeUnixNano?: UnixNano;
  severityNumber?: number;
  severityText?: string;
  body?: AnyValue;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
  traceId?: string;
  spanId?: string;
  eventName?: string;
}

export interface LogsData {
  resourceLogs?: {
    resource?: Resource;
    scopeLogs?: { scope?: Scope; logRecords?: OtlpLogRecord[]; schemaUrl?: string }[];
    schemaUrl?: string;
  }[];
}

/** `AggregationTemporality`. */
export const TEMPORALITY = { DELTA: 1, CUMULATIVE: 2 } as const;

/** Exactly one of `gauge`, `sum`, `histogram`, `exponentialHistogram` and `summary` is set. */
export interface OtlpMetric {
  name: string;
  description?: string;
  unit?: string;
  gauge?: { dataPoints?: NumberDataPoint[] };
  sum?: { dataPoints?: NumberDataPoint[]; aggregationTemporality?: number; isMonotonic?: boolean };
  histogram?: { dataPoints?: HistogramDataPoint[]; aggregationTemporality?: number };
  exponentialHistogram?: { dataPoints?: ExponentialHistogramDataPoint[]; aggregationTemporality?: number };
  summary?: { dataPoints?: SummaryDataPoint[] };
  metadata?: KeyValue[];
}

interface DataPoint {
  attributes?: KeyValue[];
  startTimeUnixNano?: UnixNano;
  timeUnixNano?: UnixNano;
  flags?: number;
}

export interface NumberDataPoint extends DataPoint {
  asDouble?: number;
  asInt?: Int64;
  exemplars?: Exemplar[];
}

export interface HistogramDataPoint extends DataPoint {
  count?: Int64;
  sum?: number;
  /** One more than there are bounds. */
  bucketCounts?: Int64[];
  explicitBounds?: number[];
  exemplars?: Exemplar[];
  min?: number;
  max?: number;
}

export interface ExponentialHistogramDataPoint extends DataPoint {
  count?: Int64;
  sum?: number;
  scale?: number;
  zeroCount?: Int64;
  positive?: ExponentialBuckets;
  negative?: ExponentialBuckets;
  exemplars?: Exemplar[];
  min?: number;
  max?: number;
  zeroThreshold?: number;
}

export interface ExponentialBuckets {
  offset?: number;
  bucketCounts?: Int64[];
}

export interface SummaryDataPoint extends DataPoint {
  count?: Int64;
  sum?: number;
  quantileValues?: { quantile?: number; value?: number }[];
}

export interface Exemplar {
  filteredAttributes?: KeyValue[];
  timeUnixNano?: UnixNano;
  asDouble?: number;
  asInt?: Int64;
  spanId?: string;
  traceId?: string;
}

export interface MetricsData {
  resourceMetrics?: {
    resource?: Resource;
    scopeMetrics?: { scope?: Scope; metrics?: OtlpMetric[]; schemaUrl?: string }[];
    schemaUrl?: string;
  }[];
}

/** The three signals of OTLP that are spoken here. */
export const SIGNALS = ["traces", "logs", "metrics"] as const;
export type Signal = (typeof SIGNALS)[number];
