/**
 * The messages of OTLP, field by field (opentelemetry-proto 1.5): what reading them from JSON and from protobuf goes by. Writing,
 * which has to be quick, spells them out (`encode-*.ts`); tests hold both against the official `.proto` files.
 */

export type ScalarKind =
  | "string"
  | "bool"
  /** Also enums, which are integers in OTLP/JSON. */
  | "uint32"
  | "sint32"
  | "int64"
  | "uint64"
  | "fixed64"
  | "sfixed64"
  | "fixed32"
  | "double"
  | "bytes"
  /** 16 bytes, in hex. */
  | "traceId"
  /** 8 bytes, in hex. */
  | "spanId";

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: ScalarKind | Message;
  readonly isRepeated: boolean;
  /** In a `oneof`, or `optional`: its default is not the same as its absence. */
  readonly hasPresence: boolean;
}

export interface Message {
  readonly byName: ReadonlyMap<string, Field>;
  readonly byNumber: ReadonlyMap<number, Field>;
}

type Modifier = "repeated" | "presence";
type FieldSpec = readonly [number: number, kind: ScalarKind | Message, modifier?: Modifier];

function message(specs: Readonly<Record<string, FieldSpec>>): Message {
  const fields = Object.entries(specs).map(([name, [number, kind, modifier]]) => ({
    name,
    number,
    kind,
    isRepeated: modifier === "repeated",
    hasPresence: modifier === "presence",
  }));
  return {
    byName: new Map(fields.map((field) => [field.name, field])),
    byNumber: new Map(fields.map((field) => [field.number, field])),
  };
}

/** `AnyValue` holds itself: its maps are filled in below. */
const ANY_VALUE = { byName: new Map<string, Field>(), byNumber: new Map<number, Field>() };
const KEY_VALUE = message({ key: [1, "string"], value: [2, ANY_VALUE] });
const VALUES = message({
  stringValue: [1, "string", "presence"],
  boolValue: [2, "bool", "presence"],
  intValue: [3, "int64", "presence"],
  doubleValue: [4, "double", "presence"],
  arrayValue: [5, message({ values: [1, ANY_VALUE, "repeated"] }), "presence"],
  kvlistValue: [6, message({ values: [1, KEY_VALUE, "repeated"] }), "presence"],
  bytesValue: [7, "bytes", "presence"],
});
for (const field of VALUES.byName.values()) {
  ANY_VALUE.byName.set(field.name, field);
  ANY_VALUE.byNumber.set(field.number, field);
}

const RESOURCE = message({
  attributes: [1, KEY_VALUE, "repeated"],
  droppedAttributesCount: [2, "uint32"],
});
const SCOPE = message({
  name: [1, "string"],
  version: [2, "string"],
  attributes: [3, KEY_VALUE, "repeated"],
  droppedAttributesCount: [4, "uint32"],
});

/** `Resource…` around `Scope…` around the items, the same in every signal. */
function request(resourceList: string, scopeList: string, itemList: string, item: Message): Message {
  const scoped = message({
    scope: [1, SCOPE],
    [itemList]: [2, item, "repeated"],
    schemaUrl: [3, "string"],
  });
  const ofResource = message({
    resource: [1, RESOURCE],
    [scopeList]: [2, scoped, "repeated"],
    schemaUrl: [3, "string"],
  });
  return message({ [resourceList]: [1, ofResource, "repeated"] });
}

const SPAN_EVENT = message({
  timeUnixNano: [1, "fixed64"],
  name: [2, "string"],
  attributes: [3, KEY_VALUE, "repeated"],
  droppedAttributesCount: [4, "uint32"],
});
const LINK = message({
  traceId: [1, "traceId"],
  spanId: [2, "spanId"],
  traceState: [3, "string"],
  attributes: [4, KEY_VALUE, "repeated"],
  droppedAttributesCount: [5, "uint32"],
  flags: [6, "fixed32"],
});
const SPAN = message({
  traceId: [1, "traceId"],
  spanId: [2, "spanId"],
  traceState: [3, "string"],
  parentSpanId: [4, "spanId"],
  name: [5, "string"],
  kind: [6, "uint32"],
  startTimeUnixNano: [7, "fixed64"],
  endTimeUnixNano: [8, "fixed64"],
  attributes: [9, KEY_VALUE, "repeated"],
  droppedAttributesCount: [10, "uint32"],
  events: [11, SPAN_EVENT, "repeated"],
  droppedEventsCount: [12, "uint32"],
  links: [13, LINK, "repeated"],
  droppedLinksCount: [14, "uint32"],
  status: [15, message({ message: [2, "string"], code: [3, "uint32"] })],
  flags: [16, "fixed32"],
});
const LOG_RECORD = message({
  timeUnixNano: [1, "fixed64"],
  severityNumber: [2, "uint32"],
  severityText: [3, "string"],
  body: [5, ANY_VALUE],
  attributes: [6, KEY_VALUE, "repeated"],
  droppedAttributesCount: [7, "uint32"],
  flags: [8, "fixed32"],
  traceId: [9, "traceId"],
  spanId: [10, "spanId"],
  observedTimeUnixNano: [11, "fixed64"],
  eventName: [12, "string"],
});

const EXEMPLAR = message({
  timeUnixNano: [2, "fixed64"],
  asDouble: [3, "double", "presence"],
  spanId: [4, "spanId"],
  traceId: [5, "traceId"],
  asInt: [6, "sfixed64", "presence"],
  filteredAttributes: [7, KEY_VALUE, "repeated"],
});
const TIMES = { startTimeUnixNano: [2, "fixed64"], timeUnixNano: [3, "fixed64"] } as const;
const NUMBER_POINT = message({
  ...TIMES,
  asDouble: [4, "double", "presence"],
  exemplars: [5, EXEMPLAR, "repeated"],
  asInt: [6, "sfixed64", "presence"],
  attributes: [7, KEY_VALUE, "repeated"],
  flags: [8, "uint32"],
});
const HISTOGRAM_POINT = message({
  ...TIMES,
  count: [4, "fixed64"],
  sum: [5, "double", "presence"],
  bucketCounts: [6, "fixed64", "repeated"],
  explicitBounds: [7, "double", "repeated"],
  exemplars: [8, EXEMPLAR, "repeated"],
  attributes: [9, KEY_VALUE, "repeated"],
  flags: [10, "uint32"],
  min: [11, "double", "presence"],
  max: [12, "double", "presence"],
});
const BUCKETS = message({ offset: [1, "sint32"], bucketCounts: [2, "uint64", "repeated"] });
const EXPONENTIAL_POINT = message({
  attributes: [1, KEY_VALUE, "repeated"],
  ...TIMES,
  count: [4, "fixed64"],
  sum: [5, "double", "presence"],
  scale: [6, "sint32"],
  zeroCount: [7, "fixed64"],
  positive: [8, BUCKETS],
  negative: [9, BUCKETS],
  flags: [10, "uint32"],
  exemplars: [11, EXEMPLAR, "repeated"],
  min: [12, "double", "presence"],
  max: [13, "double", "presence"],
  zeroThreshold: [14, "double"],
});
const SUMMARY_POINT = message({
  ...TIMES,
  count: [4, "fixed64"],
  sum: [5, "double"],
  quantileValues: [6, message({ quantile: [1, "double"], value: [2, "double"] }), "repeated"],
  attributes: [7, KEY_VALUE, "repeated"],
  flags: [8, "uint32"],
});
const METRIC = message({
  name: [1, "string"],
  description: [2, "string"],
  unit: [3, "string"],
  gauge: [5, message({ dataPoints: [1, NUMBER_POINT, "repeated"] })],
  sum: [
    7,
    message({
      dataPoints: [1, NUMBER_POINT, "repeated"],
      aggregationTemporality: [2, "uint32"],
      isMonotonic: [3, "bool"],
    }),
  ],
  histogram: [
    9,
    message({ dataPoints: [1, HISTOGRAM_POINT, "repeated"], aggregationTemporality: [2, "uint32"] }),
  ],
  exponentialHistogram: [
    10,
    message({ dataPoints: [1, EXPONENTIAL_POINT, "repeated"], aggregationTemporality: [2, "uint32"] }),
  ],
  summary: [11, message({ dataPoints: [1, SUMMARY_POINT, "repeated"] })],
  metadata: [12, KEY_VALUE, "repeated"],
});

export const TRACES_DATA = request("resourceSpans", "scopeSpans", "spans", SPAN);
export const LOGS_DATA = request("resourceLogs", "scopeLogs", "logRecords", LOG_RECORD);
export const METRICS_DATA = request("resourceMetrics", "scopeMetrics", "metrics", METRIC);

/** Messages that are read by themselves. */
export const PARTS = {
  anyValue: ANY_VALUE,
  resource: RESOURCE,
  scope: SCOPE,
  spanEvent: SPAN_EVENT,
  link: LINK,
} as const satisfies Record<string, Message>;
