/** What a point is told apart by: names as over OTLP, see {@link toLabelName}. The values have to be few and none a user's. */
export type Labels = Readonly<Record<string, string>>;

/** One measurement, and the span that it was taken in: the way from a slow bucket to a trace that was slow. */
export interface Exemplar {
  readonly value: number;
  /** Unix time in milliseconds. */
  readonly timeMs: number;
  /** Lower-case hex. */
  readonly traceId: string;
  readonly spanId: string;
}

export interface NumberPoint {
  readonly labels?: Labels;
  readonly value: number;
}

export interface HistogramPoint {
  readonly labels?: Labels;
  /** Upper, inclusive, ascending, without the infinite one. */
  readonly bounds: readonly number[];
  /** One more than there are bounds; each counts its own bucket alone. */
  readonly counts: readonly number[];
  readonly sum: number;
  /** The latest of each bucket, where there is one. */
  readonly exemplars: readonly (Exemplar | undefined)[];
}

interface Described {
  /** As over OTLP: `sandglass.exec.duration`. */
  readonly name: string;
  /** In text: `sandglass_exec_duration_seconds`, a counter's without `_total`. */
  readonly textName: string;
  /** UCUM: `s`, `By`, `1`, `{event}`. */
  readonly unit: string;
  readonly help: string;
  /** It goes on from before the start of the process. Default false. */
  readonly isPersistent?: boolean;
  /** An `otel` exporter derives the same metric from the events that it delivers. Default false. */
  readonly isDerived?: boolean;
}

/** `updown` is a sum that may fall: a gauge in text. `info` is always 1, what it says is in its labels. */
export interface NumberFamily extends Described {
  readonly kind: "counter" | "updown" | "gauge" | "info";
  readonly points: readonly NumberPoint[];
}

export interface HistogramFamily extends Described {
  readonly kind: "histogram";
  readonly points: readonly HistogramPoint[];
}

/** A metric with all its points at one moment: what `/metrics` prints and OTLP sends. */
export type Family = NumberFamily | HistogramFamily;

type Options = Partial<Pick<Described, "textName" | "isPersistent" | "isDerived">>;

/** A sum since the start that only grows. */
export function counter(
  name: string,
  unit: string,
  help: string,
  points: Iterable<NumberPoint>,
  options: Options = {},
): NumberFamily {
  return { ...described(name, unit, help, options), kind: "counter", points: [...points] };
}

export function gauge(
  name: string,
  unit: string,
  help: string,
  points: Iterable<NumberPoint>,
  options: Options = {},
): NumberFamily {
  return { ...described(name, unit, help, options), kind: "gauge", points: [...points] };
}

/** What adds up over all its points, and may fall. */
export function updown(
  name: string,
  unit: string,
  help: string,
  points: Iterable<NumberPoint>,
  options: Options = {},
): NumberFamily {
  return { ...described(name, unit, help, options), kind: "updown", points: [...points] };
}

export function histogram(
  name: string,
  unit: string,
  help: string,
  points: Iterable<HistogramPoint>,
  options: Options = {},
): HistogramFamily {
  return { ...described(name, unit, help, options), kind: "histogram", points: [...points] };
}

/** @param name without the `_info` that its text ends in */
export function info(name: string, help: string, labels: Labels): NumberFamily {
  return { ...described(name, "", help, {}), kind: "info", points: [{ labels, value: 1 }] };
}

/** The points of a metric that has but one. */
export function one(value: number): NumberPoint[] {
  return [{ value }];
}

/** A label in text: `error.type` is `error_type`; what is ours goes without its prefix, `sandglass.cause` is `cause`. */
export function toLabelName(attribute: string): string {
  return attribute.replace(/^sandglass\./, "").replaceAll(".", "_");
}

/** The unit as it stands at the end of a name in text; "" for one that does not. */
export function unitWord(unit: string): string {
  return unit === "s" ? "seconds" : unit === "By" ? "bytes" : "";
}

function described(name: string, unit: string, help: string, options: Options): Described {
  return { name, unit, help, textName: toTextName(name, unit), ...options };
}

/** As OpenTelemetry's "Prometheus and OpenMetrics Compatibility" has it: dots are underscores, the unit's word is at the end. */
function toTextName(name: string, unit: string): string {
  const text = name.replaceAll(".", "_");
  const word = unitWord(unit);
  return word === "" || text.endsWith(`_${word}`) ? text : `${text}_${word}`;
}
