import type { Exemplar, HistogramDataPoint, KeyValue, NumberDataPoint, OtlpMetric } from "../otlp/model.ts";
import { attribute } from "./otel-attribute.ts";

/** What a measurement is told apart by: values in the order of the instrument's attribute names; undefined is left out. */
export type Labels = readonly (string | number | undefined)[];

export interface InstrumentOptions {
  readonly name: string;
  readonly description: string;
  /** UCUM. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** Series beyond this many are counted together, as one with the attribute `otel.metric.overflow`. */
  readonly maxSeries: number;
}

/** The times and the temporality that points are reported with. */
export interface CollectOptions {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly aggregationTemporality: number;
  /** Delta: what was reported is forgotten. */
  readonly resets: boolean;
}

interface Series {
  readonly attributes: KeyValue[];
  hasChanged: boolean;
}

/** The series of one instrument, by their labels. */
abstract class Instrument<S extends Series> {
  protected readonly options: InstrumentOptions;
  readonly #series = new Map<string, S>();

  constructor(options: InstrumentOptions) {
    this.options = options;
  }

  /** The metric with what changed since the last time; undefined where nothing did. */
  collect(options: CollectOptions): OtlpMetric | undefined {
    const changed = [...this.#series.values()].filter((series) => series.hasChanged);
    if (changed.length === 0) return undefined;
    const { name, description, unit } = this.options;
    const metric = { name, description, unit, ...this.report(changed, options) };
    for (const series of changed) series.hasChanged = false;
    if (options.resets) this.#series.clear();
    return metric;
  }

  protected abstract newSeries(attributes: KeyValue[]): S;
  protected abstract report(series: readonly S[], options: CollectOptions): Partial<OtlpMetric>;

  protected seriesOf(labels: Labels): S {
    const key = labels.join("\u0000");
    let series = this.#series.get(key);
    if (series === undefined) {
      // One place is kept for the overflow.
      if (this.#series.size >= this.options.maxSeries - 1) return this.#overflow();
      series = this.newSeries(this.#attributes(labels));
      this.#series.set(key, series);
    }
    series.hasChanged = true;
    return series;
  }

  #overflow(): S {
    const key = "\u0000overflow";
    const series = this.#series.get(key) ?? this.newSeries([attribute("otel.metric.overflow", true)]);
    this.#series.set(key, series);
    series.hasChanged = true;
    return series;
  }

  #attributes(labels: Labels): KeyValue[] {
    return this.options.labels.flatMap((name, index) => {
      const value = labels[index];
      return value === undefined || value === "" ? [] : [attribute(name, value)];
    });
  }
}

interface CounterSeries extends Series {
  total: number;
}

/** A sum that only grows. `isInteger`: counts of things, else amounts. */
export class Counter extends Instrument<CounterSeries> {
  readonly #isInteger: boolean;

  constructor(options: InstrumentOptions & { readonly isInteger: boolean }) {
    super(options);
    this.#isInteger = options.isInteger;
  }

  add(amount: number, labels: Labels): void {
    if (amount >= 0) this.seriesOf(labels).total += amount;
  }

  protected override newSeries(attributes: KeyValue[]): CounterSeries {
    return { attributes, hasChanged: false, total: 0 };
  }

  protected override report(series: readonly CounterSeries[], options: CollectOptions): Partial<OtlpMetric> {
    const { startTimeUnixNano, timeUnixNano, aggregationTemporality } = options;
    const dataPoints = series.map(({ attributes, total }): NumberDataPoint => {
      const value = this.#isInteger ? { asInt: total } : { asDouble: total };
      return { attributes, startTimeUnixNano, timeUnixNano, ...value };
    });
    return { sum: { dataPoints, aggregationTemporality, isMonotonic: true } };
  }
}

interface HistogramSeries extends Series {
  count: number;
  sum: number;
  min: number;
  max: number;
  readonly bucketCounts: number[];
  /** The last measurement of each bucket since the last report. */
  exemplars: (Exemplar | undefined)[];
}

/** A distribution over fixed bounds, with an exemplar for each bucket: the way from a slow bucket to a trace that was slow. */
export class Histogram extends Instrument<HistogramSeries> {
  readonly #bounds: number[];

  /** @param options.bounds upper, inclusive, ascending */
  constructor(options: InstrumentOptions & { readonly bounds: readonly number[] }) {
    super(options);
    this.#bounds = [...options.bounds];
  }

  record(value: number, labels: Labels, exemplar?: Exemplar): void {
    if (!Number.isFinite(value)) return;
    const series = this.seriesOf(labels);
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    series.bucketCounts[bucket]!++;
    series.count++;
    series.sum += value;
    if (value < series.min) series.min = value;
    if (value > series.max) series.max = value;
    if (exemplar !== undefined) series.exemplars[bucket] = exemplar;
  }

  protected override newSeries(attributes: KeyValue[]): HistogramSeries {
    return {
      attributes,
      hasChanged: false,
      count: 0,
      sum: 0,
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      bucketCounts: new Array(this.#bounds.length + 1).fill(0),
      exemplars: [],
    };
  }

  protected override report(
    series: readonly HistogramSeries[],
    options: CollectOptions,
  ): Partial<OtlpMetric> {
    const { startTimeUnixNano, timeUnixNano, aggregationTemporality } = options;
    const dataPoints = series.map((one): HistogramDataPoint => {
      const { attributes, count, sum, min, max, bucketCounts } = one;
      const exemplars = one.exemplars.filter((exemplar) => exemplar !== undefined);
      one.exemplars = [];
      return {
        attributes,
        startTimeUnixNano,
        timeUnixNano,
        count,
        sum,
        bucketCounts: [...bucketCounts],
        explicitBounds: this.#bounds,
        ...(exemplars.length > 0 && { exemplars }),
        min,
        max,
      };
    });
    return { histogram: { dataPoints, aggregationTemporality } };
  }
}
