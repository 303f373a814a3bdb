import type { Sample } from "./exposition.ts";

/** Counts by labels. The labels' values have to be few: each combination is kept for good. */
export class Counter {
  readonly #samples = new Map<string, { labels: Readonly<Record<string, string>>; value: number }>();

  add(labels: Readonly<Record<string, string>>, by = 1): void {
    const key = keyOf(labels);
    const sample = this.#samples.get(key);
    if (sample === undefined) this.#samples.set(key, { labels, value: by });
    else sample.value += by;
  }

  samples(): Iterable<Sample> {
    return this.#samples.values();
  }
}

/** Counts of values up to fixed bounds, by labels. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #series = new Map<
    string,
    { labels: Readonly<Record<string, string>>; counts: number[]; sum: number }
  >();

  /** @param bounds ascending, without the infinite one */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(labels: Readonly<Record<string, string>>, value: number): void {
    const key = keyOf(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    const index = bucket === -1 ? this.#bounds.length : bucket;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
  }

  *samples(): Generator<Sample> {
    for (const { labels, counts, sum } of this.#series.values()) {
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        const bound = this.#bounds[index];
        yield {
          suffix: "_bucket",
          labels: { ...labels, le: bound === undefined ? "+Inf" : String(bound) },
          value: total,
        };
      }
      yield { suffix: "_sum", labels, value: sum };
      yield { suffix: "_count", labels, value: total };
    }
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return Object.values(labels).join("\0");
}
