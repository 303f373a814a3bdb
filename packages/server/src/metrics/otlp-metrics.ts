import {
  type HistogramDataPoint,
  type KeyValue,
  type NumberDataPoint,
  type OtlpMetric,
  TEMPORALITY,
} from "@sandglass/telemetry";
import type {
  Exemplar,
  Family,
  HistogramFamily,
  HistogramPoint,
  Labels,
  NumberFamily,
  NumberPoint,
} from "./family.ts";

/** Metrics, and when they were like that (Unix time in milliseconds). */
export interface Snapshot {
  readonly families: readonly Family[];
  readonly timeMs: number;
}

export interface OtlpView {
  readonly temporality: "cumulative" | "delta";
  /** When counting began: the start of the process, Unix time in milliseconds. */
  readonly startMs: number;
  /** What the destination has; undefined before the first. */
  readonly before: Snapshot | undefined;
}

/**
 * What `/metrics` prints, as OTLP. Deltas are what came up since `before`; a sum that goes on from before the start of the process has
 * none until there is one. Exemplars are those that `before` did not have yet. What is an `info` in text is on the resource.
 */
export function toOtlpMetrics({ families, timeMs }: Snapshot, view: OtlpView): OtlpMetric[] {
  const known = new Map(view.before?.families.map((family) => [family.name, family]));
  const timeUnixNano = nanosOf(timeMs);
  return families.flatMap((family): OtlpMetric[] => {
    if (family.kind === "info") return [];
    const before = known.get(family.name);
    const isDelta = view.temporality === "delta" && family.kind !== "updown" && family.kind !== "gauge";
    if (isDelta && family.isPersistent === true && before === undefined) return [];
    const startMs = isDelta ? (view.before?.timeMs ?? view.startMs) : view.startMs;
    // Where it began nobody knows any more; it is for the back end to see by its value that it did.
    const isUnknown = family.isPersistent === true && !isDelta;
    const times = { timeUnixNano, ...(!isUnknown && { startTimeUnixNano: nanosOf(startMs) }) };
    const { name, unit, help } = family;
    const aggregationTemporality = isDelta ? TEMPORALITY.DELTA : TEMPORALITY.CUMULATIVE;
    const base = { name, description: help, ...(unit !== "" && { unit }) };
    if (family.kind === "histogram") {
      const points = isDelta
        ? subtractHistograms(family.points, before as HistogramFamily | undefined)
        : family.points;
      const since = view.before?.timeMs ?? 0;
      const dataPoints = points.map((point) => ({ ...times, ...histogramPoint(point, since) }));
      return dataPoints.length === 0 ? [] : [{ ...base, histogram: { dataPoints, aggregationTemporality } }];
    }
    const points = isDelta
      ? subtractNumbers(family.points, before as NumberFamily | undefined)
      : family.points;
    if (points.length === 0) return [];
    const values = points.map((point) => numberPoint(point, family.unit));
    if (family.kind === "gauge") {
      return [{ ...base, gauge: { dataPoints: values.map((value) => ({ timeUnixNano, ...value })) } }];
    }
    const dataPoints = values.map((value) => ({ ...times, ...value }));
    return [{ ...base, sum: { dataPoints, aggregationTemporality, isMonotonic: family.kind === "counter" } }];
  });
}

/** Data points in all. */
export function countPoints(metrics: readonly OtlpMetric[]): number {
  return metrics.reduce((sum, metric) => {
    const { dataPoints = [] } = metric.gauge ?? metric.sum ?? metric.histogram ?? {};
    return sum + dataPoints.length;
  }, 0);
}

function numberPoint({ labels, value }: NumberPoint, unit: string): NumberDataPoint {
  // By the unit, not by the value: a series that is now an integer and now none is two to some back ends.
  const isDouble = unit === "s" || unit === "1" || !Number.isFinite(value);
  return { ...attributesOf(labels), ...(isDouble ? { asDouble: value } : { asInt: Math.round(value) }) };
}

function histogramPoint(point: HistogramPoint, sinceMs: number): HistogramDataPoint {
  const exemplars = point.exemplars.filter((exemplar) => exemplar !== undefined && exemplar.timeMs > sinceMs);
  return {
    ...attributesOf(point.labels),
    count: point.counts.reduce((sum, count) => sum + count, 0),
    sum: point.sum,
    bucketCounts: [...point.counts],
    explicitBounds: [...point.bounds],
    ...(exemplars.length > 0 && {
      exemplars: (exemplars as Exemplar[]).map(({ timeMs, value, traceId, spanId }) => {
        return { timeUnixNano: nanosOf(timeMs), asDouble: value, traceId, spanId };
      }),
    }),
  };
}

function subtractNumbers(points: readonly NumberPoint[], before: NumberFamily | undefined): NumberPoint[] {
  const known = new Map(before?.points.map((point) => [keyOf(point.labels), point.value]));
  return points.map(({ labels = {}, value }) => {
    const had = known.get(keyOf(labels)) ?? 0;
    // What has begun anew counts whole.
    return { labels, value: value < had ? value : value - had };
  });
}

function subtractHistograms(
  points: readonly HistogramPoint[],
  before: HistogramFamily | undefined,
): HistogramPoint[] {
  const known = new Map(before?.points.map((point) => [keyOf(point.labels), point]));
  return points.map((point) => {
    const had = known.get(keyOf(point.labels));
    if (had === undefined) return point;
    const counts = point.counts.map((count, index) => count - had.counts[index]!);
    return { ...point, counts, sum: point.sum - had.sum };
  });
}

function keyOf(labels: Labels = {}): string {
  return Object.entries(labels).flat().join("\0");
}

function attributesOf(labels: Labels = {}): { attributes?: KeyValue[] } {
  const attributes = Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: value } }));
  return attributes.length === 0 ? {} : { attributes };
}

function nanosOf(unixMs: number): string {
  return `${Math.round(unixMs * 1000)}000`;
}
