/**
 * What the programs inside tell their SDK: plain data, which goes inside as JSON and which the tests compare with what arrives. Times are
 * `[seconds, nanoseconds]`, as the SDKs take them. `{"$bytes": "…"}` stands for bytes, in base64.
 */
export type Told = null | string | number | boolean | readonly Told[] | { readonly [key: string]: Told };
export type ToldAttributes = { readonly [key: string]: Told };
export type Nanos = readonly [number, number];

export interface ToldLink {
  traceId: string;
  spanId: string;
  traceFlags: number;
  tracestate?: string;
  attributes?: ToldAttributes;
}

export interface ToldSpan {
  name: string;
  /** Of the API: 0 internal … 4 consumer. */
  kind: number;
  start: Nanos;
  end: Nanos;
  /** Of a remote parent; absent: a root. */
  parent?: { spanId: string; tracestate?: string };
  attributes?: ToldAttributes;
  events?: { name: string; time: Nanos; attributes?: ToldAttributes }[];
  links?: ToldLink[];
  status?: { code: number; message?: string };
}

export interface ToldLog {
  time: Nanos;
  observed: Nanos;
  severity?: number;
  severityText?: string;
  /** Absent: a record without one. */
  body?: Told;
  attributes?: ToldAttributes;
  /** Of the span that it belongs to. */
  spanId?: string;
}

export interface ToldMetric {
  name: string;
  kind: "counter" | "upDownCounter" | "gauge" | "observableCounter" | "histogram" | "exponentialHistogram";
  isInt: boolean;
  unit: string;
  description: string;
  boundaries?: number[];
  /** In their order, by attributes. */
  points: { attributes: ToldAttributes; values: number[] }[];
}

const UNICODE = "Grüße, 世界 — 🧪 \u0000\u001f\u2028 נוֹ \ufeff";
/** The first integer behind those that every double holds, and two larger ones, all of which a double does hold. */
const BIG_INTEGERS = [9_007_199_254_740_994, -9_007_199_254_740_996, 9_000_000_000_000_000_000];

/** What attributes of spans, events, links and data points may be. */
const ATTRIBUTES: ToldAttributes = {
  text: "plain",
  "text.empty": "",
  "text.unicode": UNICODE,
  "text.long": "0123456789abcdé—".repeat(4096),
  [UNICODE]: "a key",
  int: 42,
  "int.zero": 0,
  "int.negative": -1,
  "int.big": BIG_INTEGERS[0]!,
  "int.big.negative": BIG_INTEGERS[1]!,
  "int.biggest": BIG_INTEGERS[2]!,
  double: 0.1,
  "double.negative": -273.15,
  "double.tiny": 5e-324,
  yes: true,
  no: false,
  texts: ["a", "", UNICODE],
  ints: [0, -1, ...BIG_INTEGERS],
  doubles: [0.5, -1.25],
  booleans: [true, false],
  nothing: [],
  // The sandbox's own words, wherever they are not on the Resource.
  "sandglass.sandbox.id": "sbx_of_a_span",
};

const ROOM = 1_776_510_028;
const TRACE = "5b8efff798038103d269b633813fc60c";

export const TOLD_SPANS: readonly ToldSpan[] = [
  ...["internal", "server", "client", "producer", "consumer"].map((name, kind) => ({
    name: `of kind ${name}`,
    kind,
    start: [ROOM, 123_456_789 + kind] as const,
    end: [ROOM + 1, 987_654_321 - kind] as const,
  })),
  {
    name: UNICODE,
    kind: 0,
    start: [ROOM, 1],
    end: [ROOM, 999_999_999],
    parent: { spanId: "00f067aa0ba902b7", tracestate: "vendor=t61rcWkgMzE,other@tenant=00f0" },
    attributes: ATTRIBUTES,
    events: [
      { name: "first", time: [ROOM, 2] },
      { name: "second", time: [ROOM, 3], attributes: ATTRIBUTES },
    ],
    links: [
      {
        traceId: TRACE,
        spanId: "eee19b7ec3c1b174",
        traceFlags: 1,
        tracestate: "k=v",
        attributes: ATTRIBUTES,
      },
      { traceId: TRACE, spanId: "eee19b7ec3c1b175", traceFlags: 0 },
    ],
    status: { code: 2, message: `it failed: ${UNICODE}` },
  },
  { name: "all was well", kind: 1, start: [ROOM, 4], end: [ROOM, 4], status: { code: 1 } },
];

/** Nested as only log records may be. */
const MAP: ToldAttributes = {
  ...ATTRIBUTES,
  map: { a: { b: { c: [1, "two", 3.5, false, { four: BIG_INTEGERS[2]! }, []] } }, empty: {} },
  bytes: { $bytes: Buffer.from([0, 1, 254, 255, 0x0a]).toString("base64") },
  mixed: [1, 1.5, "x", { y: [] }],
};

const BODIES: readonly (Told | undefined)[] = [
  "a line",
  UNICODE,
  "long ".repeat(20_000),
  MAP,
  ["a", 1, 2.5, true, { nested: MAP }],
  BIG_INTEGERS[0]!,
  -0.25,
  false,
  { $bytes: Buffer.from("binary \u0000 body").toString("base64") },
  undefined,
];

export const TOLD_LOGS: readonly ToldLog[] = [
  ...BODIES.map((body, index) => ({
    time: [ROOM, 100 + index] as const,
    observed: [ROOM + 2, 999_999_000 + index] as const,
    ...(body !== undefined && { body }),
  })),
  {
    time: [ROOM, 1],
    observed: [ROOM, 2],
    severity: 24,
    severityText: "FATAL4",
    body: "on a span",
    attributes: MAP,
    spanId: "00f067aa0ba902b7",
  },
];

const POINT = { route: "/users/{id}", code: 200, share: 0.5, cached: false, tags: ["a", "b"] };

export const TOLD_METRICS: readonly ToldMetric[] = [
  {
    ...{ name: "matrix.requests", kind: "counter", isInt: true, unit: "{request}", description: UNICODE },
    points: [
      { attributes: POINT, values: [1, 2, 3] },
      { attributes: { "int.big": BIG_INTEGERS[0]! }, values: [BIG_INTEGERS[0]!] },
    ],
  },
  {
    ...{ name: "matrix.seconds", kind: "counter", isInt: false, unit: "s", description: "" },
    points: [{ attributes: {}, values: [0.5, 0.25] }],
  },
  {
    ...{ name: "matrix.queue", kind: "upDownCounter", isInt: true, unit: "1", description: "may sink" },
    points: [{ attributes: POINT, values: [5, -12] }],
  },
  {
    ...{ name: "matrix.temperature", kind: "gauge", isInt: false, unit: "Cel", description: "the last" },
    points: [{ attributes: POINT, values: [20.5, -273.15] }],
  },
  {
    ...{ name: "matrix.read", kind: "observableCounter", isInt: true, unit: "By", description: "when asked" },
    points: [{ attributes: { disk: "sda" }, values: [BIG_INTEGERS[2]!] }],
  },
  {
    ...{ name: "matrix.duration", kind: "histogram", isInt: false, unit: "s", description: "in buckets" },
    boundaries: [0.005, 0.1, 1, 10],
    points: [{ attributes: POINT, values: [0.001, 0.005, 0.5, 0.75, 100] }],
  },
  {
    ...{
      name: "matrix.size",
      kind: "exponentialHistogram",
      isInt: true,
      unit: "By",
      description: "by scale",
    },
    points: [{ attributes: POINT, values: [0, 1, 3, 1000, 70_000] }],
  },
];

/** What the host says of a sandbox, as the sandbox would like to have it. */
export const FORGED: ToldAttributes = {
  "sandglass.sandbox.id": "sbx_forged",
  "sandglass.org.id": "org_forged",
  "sandglass.template.id": "forged",
  "sandglass.run.id": "run_forged",
  "service.instance.id": "forged",
  "container.id": "forged",
};
/** What it may say of itself. */
export const OWN: ToldAttributes = {
  "service.name": "matrix",
  "deployment.environment.name": "Prüfstand",
  replicas: 3,
};
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0";
export const SCOPE_VERSION = "1.2.3";
