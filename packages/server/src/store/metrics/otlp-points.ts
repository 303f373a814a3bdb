import type {
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Int64,
  KeyValue,
  NumberDataPoint,
  OtlpMetric,
  SummaryDataPoint,
} from "@sandglass/telemetry/reading";
import type { Buckets, Distribution } from "./distribution.ts";
import { METRIC_TYPE } from "./metric-table.ts";

/** `AggregationTemporality` of OTLP. */
const DELTA = 1;
/** Bit of a point's flags: a series that ended, without a value. */
const NO_VALUE = 1;

/** What a metric of OTLP is here, whichever of its five kinds it is. */
export interface PlainMetric {
  type: number;
  isDelta: boolean;
  points: PlainPoint[];
}

export interface PlainPoint {
  attributes: KeyValue[] | undefined;
  timeUnixNano: string | undefined;
  startTimeUnixNano: string | undefined;
  value: number | Distribution;
}

/** Points without a value, or with one that is no number, are left out. */
export function plainMetric(metric: OtlpMetric): PlainMetric {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  if (sum !== undefined) {
    const isDelta = sum.aggregationTemporality === DELTA;
    // A total that may fall tells how something is.
    const type = isDelta || sum.isMonotonic === true ? METRIC_TYPE.counter : METRIC_TYPE.gauge;
    return { type, isDelta, points: pointsOf(sum.dataPoints, numberOf) };
  }
  if (histogram !== undefined) {
    const isDelta = histogram.aggregationTemporality === DELTA;
    return { type: METRIC_TYPE.histogram, isDelta, points: pointsOf(histogram.dataPoints, explicitOf) };
  }
  if (exponentialHistogram !== undefined) {
    const { dataPoints, aggregationTemporality } = exponentialHistogram;
    const points = pointsOf(dataPoints, exponentialOf);
    return { type: METRIC_TYPE.histogram, isDelta: aggregationTemporality === DELTA, points };
  }
  if (summary !== undefined) {
    // Quantiles cannot be added up; what is counted and summed up can.
    return {
      type: METRIC_TYPE.histogram,
      isDelta: false,
      points: pointsOf(summary.dataPoints, (point: SummaryDataPoint) => ({ ...totals(point), buckets: [] })),
    };
  }
  return { type: METRIC_TYPE.gauge, isDelta: false, points: pointsOf(gauge?.dataPoints, numberOf) };
}

interface AnyPoint {
  attributes?: KeyValue[];
  timeUnixNano?: string;
  startTimeUnixNano?: string;
  flags?: number;
}

function pointsOf<Point extends AnyPoint>(
  points: readonly Point[] | undefined,
  toValue: (point: Point) => number | Distribution | undefined,
): PlainPoint[] {
  const plain: PlainPoint[] = [];
  for (const point of points ?? []) {
    if (((point.flags ?? 0) & NO_VALUE) !== 0) continue;
    const value = toValue(point);
    if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) continue;
    const { attributes, timeUnixNano, startTimeUnixNano } = point;
    plain.push({ attributes, timeUnixNano, startTimeUnixNano, value });
  }
  return plain;
}

function numberOf({ asDouble, asInt }: NumberDataPoint): number | undefined {
  return asDouble ?? (asInt === undefined ? undefined : Number(asInt));
}

function totals(point: { count?: Int64; sum?: number; min?: number; max?: number }) {
  const { sum = 0, min, max } = point;
  const hasRange = min !== undefined && max !== undefined && Number.isFinite(min) && Number.isFinite(max);
  return {
    count: Number(point.count ?? 0),
    sum: Number.isFinite(sum) ? sum : 0,
    ...(hasRange && { min, max }),
  };
}

function explicitOf(point: HistogramDataPoint): Distribution {
  const { bucketCounts = [], explicitBounds = [] } = point;
  const bounds = explicitBounds.every(Number.isFinite) ? explicitBounds : [];
  const buckets = bounds.length === 0 ? [] : [{ bounds, ...filled(bucketCounts, 0) }];
  return { ...totals(point), buckets };
}

function exponentialOf(point: ExponentialHistogramDataPoint): Distribution {
  const { scale = 0, zeroCount, positive, negative } = point;
  const parts: Buckets[] = [
    { scale, sign: 0, ...filled([zeroCount ?? "0"], 0) },
    { scale, sign: 1, ...filled(positive?.bucketCounts ?? [], positive?.offset ?? 0) },
    { scale, sign: -1, ...filled(negative?.bucketCounts ?? [], negative?.offset ?? 0) },
  ];
  return { ...totals(point), buckets: parts.filter(({ at }) => at.length > 0) };
}

function filled(counts: readonly Int64[], offset: number): { at: number[]; counts: number[] } {
  const at: number[] = [];
  const kept: number[] = [];
  for (const [index, text] of counts.entries()) {
    const count = Number(text);
    if (!(count > 0)) continue;
    at.push(index + offset);
    kept.push(count);
  }
  return { at, counts: kept };
}
