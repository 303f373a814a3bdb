/**
 * `gauge`: how something is, also a sum that can fall. `counter`: what only grows, as increases. `histogram`: of every kind, also
 * those that the daemon derives from the record.
 */
export type MetricType = "gauge" | "counter" | "histogram";

/**
 * How the points of a step, and the series of a group, become one value:
 *
 * | | gauge | counter | histogram |
 * | --- | --- | --- | --- |
 * | `avg` `min` `max` `p50` `p90` `p95` `p99` | of the points | of the series' rates | of what was measured |
 * | `sum` | of the series' last values | of the increases | of what was measured |
 * | `rate` | change a second | increase a second | measurements a second |
 * | `count` | points | points | measurements |
 * | `last` | the newest point | of the series' last values, summed | `avg` |
 */
export type MetricAggregation = (typeof METRIC_AGGREGATIONS)[number];
export const METRIC_AGGREGATIONS = [
  "avg",
  "min",
  "max",
  "sum",
  "rate",
  "count",
  "last",
  "p50",
  "p90",
  "p95",
  "p99",
] as const;

/** A metric that the store has points of. */
export interface MetricInfo {
  name: string;
  type: MetricType;
  /** UCUM, e.g. `s`, `By`, `1`; "" where nothing is said. */
  unit: string;
  description: string;
  /** What its series can be grouped by and filtered with, sorted; at most 100. */
  attributes: string[];
  /** Points that came so far, also such as went by retention. */
  points: number;
  /** Time of the newest, ISO 8601. */
  lastAt: string;
}

/** `GET /v1/metrics` without a name, in the order of the names; at most 2000. */
export interface MetricList {
  items: MetricInfo[];
}

export interface MetricSeries {
  /** Of what was grouped by; "" where a series does not have it. */
  attributes: Record<string, string>;
  /** Beginning of the step in Unix milliseconds, and the value; steps without points are left out. */
  points: [number, number][];
}

/** `GET /v1/metrics?name=…` */
export interface MetricSeriesList {
  name: string;
  type: MetricType;
  unit: string;
  description: string;
  aggregation: MetricAggregation;
  /** ISO 8601. */
  since: string;
  until: string;
  /** Of each step; longer than asked for where there would be more than 1500. */
  stepMs: number;
  /** Those with the most points first, then by their attributes. */
  series: MetricSeries[];
  /** Groups beyond `limit`. */
  omittedSeries: number;
  /** Whether there was more than is read for one answer: ask for less time, or filter. */
  isPartial: boolean;
}
