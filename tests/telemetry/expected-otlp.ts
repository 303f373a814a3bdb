import type { AnyValue, KeyValue, OtlpMetric } from "../../packages/telemetry/src/otlp/model.ts";
import { type Combination, spanIdOf } from "./combinations.ts";
import {
  type Nanos,
  TOLD_LOGS,
  TOLD_METRICS,
  TOLD_SPANS,
  type Told,
  type ToldAttributes,
  type ToldMetric,
} from "./told.ts";

/** What the SDK made of a metric, where only it can know: times, and the scale of exponential buckets. */
export interface MadeMetric {
  name: string;
  dataPoints: { startTime: Nanos; endTime: Nanos; value: number | MadeHistogram }[];
}

interface MadeHistogram {
  scale?: number;
  positive?: { offset: number; bucketCounts: number[] };
}

/** Trace flags of a span with a parent that is not remote, or none; bits 8 and 9 of `flags` say so. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** What was told, as OTLP says it. */
export function expectedSpans(combination: Combination): unknown[] {
  return TOLD_SPANS.map(({ name, kind, start, end, parent, attributes, events, links, status }, index) => ({
    traceId: combination.traceId,
    spanId: spanIdOf(combination, index),
    parentSpanId: parent?.spanId,
    traceState: parent?.tracestate,
    flags: 1 | HAS_IS_REMOTE | (parent ? IS_REMOTE : 0),
    name,
    kind: kind + 1,
    startTimeUnixNano: nanosOf(start),
    endTimeUnixNano: nanosOf(end),
    attributes: keyValues(attributes),
    events: events?.map((event) => ({
      timeUnixNano: nanosOf(event.time),
      name: event.name,
      attributes: keyValues(event.attributes),
    })),
    links: links?.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: link.tracestate,
      attributes: keyValues(link.attributes),
      flags: link.traceFlags | HAS_IS_REMOTE | IS_REMOTE,
    })),
    status: status ?? {},
  }));
}

export function expectedLogs(combination: Combination): unknown[] {
  return TOLD_LOGS.map(({ time, observed, severity, severityText, body, attributes, spanId }) => ({
    timeUnixNano: nanosOf(time),
    observedTimeUnixNano: nanosOf(observed),
    severityNumber: severity,
    severityText,
    body: body === undefined ? undefined : anyValue(body),
    attributes: keyValues(attributes),
    ...(spanId !== undefined && { traceId: combination.traceId, spanId, flags: 1 }),
  }));
}

export function expectedMetrics(made: readonly MadeMetric[]): unknown[] {
  return TOLD_METRICS.map((told) => {
    const { name, unit, description } = told;
    const { dataPoints } = made.find((metric) => metric.name === name) ?? { dataPoints: [] };
    const points = told.points.map(({ attributes, values }, index) => {
      const { startTime, endTime, value } = dataPoints[index] ?? { startTime: [0, 0], endTime: [0, 0] };
      return {
        attributes: keyValues(attributes),
        startTimeUnixNano: nanosOf(startTime),
        timeUnixNano: nanosOf(endTime),
        ...pointOf(told, values, value as MadeHistogram),
      };
    });
    return { name, unit, description, ...dataOf(told, points) };
  });
}

const CUMULATIVE = 2;

function dataOf({ kind }: ToldMetric, dataPoints: object[]): Partial<Record<keyof OtlpMetric, unknown>> {
  if (kind === "gauge") return { gauge: { dataPoints } };
  const temporality = { aggregationTemporality: CUMULATIVE };
  if (kind === "histogram" || kind === "exponentialHistogram")
    return { [kind]: { ...temporality, dataPoints } };
  return { sum: { ...temporality, isMonotonic: kind !== "upDownCounter", dataPoints } };
}

function pointOf(told: ToldMetric, values: readonly number[], made: MadeHistogram | undefined): object {
  const { kind, isInt, boundaries = [] } = told;
  const sum = values.reduce((total, value) => total + value, 0);
  if (kind !== "histogram" && kind !== "exponentialHistogram") {
    const value = kind === "gauge" ? values.at(-1)! : sum;
    return isInt ? { asInt: String(BigInt(value)) } : { asDouble: value };
  }
  const common = { count: String(values.length), sum, min: Math.min(...values), max: Math.max(...values) };
  if (kind === "exponentialHistogram") {
    const zeros = values.filter((value) => value === 0).length;
    const { scale = Number.NaN, positive = { offset: 0, bucketCounts: [] } } = made ?? {};
    return {
      ...common,
      zeroCount: String(zeros),
      scale,
      positive: exponentialBuckets(values, scale, positive),
      negative: {},
    };
  }
  const counts = [...boundaries, Number.POSITIVE_INFINITY].map((upper, index) => {
    const lower = boundaries[index - 1] ?? Number.NEGATIVE_INFINITY;
    return String(values.filter((value) => value > lower && value <= upper).length);
  });
  return { ...common, explicitBounds: boundaries, bucketCounts: counts };
}

/** The scale and the first bucket are the SDK's choice; what is in which bucket follows from them and the values. */
function exponentialBuckets(
  values: readonly number[],
  scale: number,
  { offset, bucketCounts }: NonNullable<MadeHistogram["positive"]>,
): object {
  const counts = bucketCounts.map(() => 0);
  for (const value of values.filter((candidate) => candidate > 0)) {
    const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1 - offset;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return { offset, bucketCounts: counts.map(String) };
}

export function keyValues(attributes: ToldAttributes = {}): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(told: Told): AnyValue {
  if (told === null) return {};
  if (typeof told === "string") return { stringValue: told };
  if (typeof told === "boolean") return { boolValue: told };
  if (typeof told === "number") {
    return Number.isInteger(told) ? { intValue: String(BigInt(told)) } : { doubleValue: told };
  }
  if (Array.isArray(told)) return { arrayValue: { values: told.map(anyValue) } };
  const map = told as ToldAttributes;
  if (typeof map.$bytes === "string") return { bytesValue: map.$bytes };
  return { kvlistValue: { values: keyValues(map) } };
}

function nanosOf([seconds, nanoseconds]: Nanos): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
}
