import { type Buckets, bucketOf, cutOf, type Distribution, OWN_SCALE } from "./distribution.ts";

interface Cut {
  like: Buckets;
  counts: Map<number, number>;
}

interface Range {
  low: number;
  high: number;
  count: number;
  isGeometric: boolean;
}

/** Adds up distributions, whatever their buckets, and tells quantiles of all together. */
export class Histogram {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  readonly #cuts = new Map<string, Cut>();
  /** Those that are cut as `record` does it, by sign: negative, zero, positive. */
  readonly #own: (Cut | undefined)[] = [undefined, undefined, undefined];

  add({ count, sum, min, max, buckets }: Distribution): void {
    this.count += count;
    this.sum += sum;
    if (min !== undefined) this.min = Math.min(this.min, min);
    if (max !== undefined) this.max = Math.max(this.max, max);
    for (const part of buckets) {
      const { counts } = this.#cutLike(part);
      for (let index = 0; index < part.at.length; index += 1) {
        const at = part.at[index] ?? 0;
        counts.set(at, (counts.get(at) ?? 0) + (part.counts[index] ?? 0));
      }
    }
  }

  /** Adds one measurement. */
  record(value: number): void {
    this.count += 1;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const sign = value > 0 ? 1 : value < 0 ? -1 : 0;
    const cut = this.#own[sign + 1] ?? this.#cutLike({ scale: OWN_SCALE, sign, at: [], counts: [] });
    const at = bucketOf(value);
    cut.counts.set(at, (cut.counts.get(at) ?? 0) + 1);
  }

  #cutLike(part: Buckets): Cut {
    // Most are: it is not asked for by name.
    const own = part.scale === OWN_SCALE ? (part.sign ?? 0) + 1 : undefined;
    const known = own === undefined ? undefined : this.#own[own];
    if (known !== undefined) return known;
    const name = cutOf(part);
    let cut = this.#cuts.get(name);
    if (cut === undefined) {
      cut = { like: part, counts: new Map() };
      this.#cuts.set(name, cut);
    }
    if (own !== undefined) this.#own[own] = cut;
    return cut;
  }

  toDistribution(): Distribution {
    const buckets = [...this.#cuts.values()].map(({ like, counts }) => ({
      ...like,
      at: [...counts.keys()],
      counts: [...counts.values()],
    }));
    const known = this.max >= this.min ? { min: this.min, max: this.max } : {};
    return { count: this.count, sum: this.sum, ...known, buckets };
  }

  /** @returns undefined where there are no buckets to tell it from */
  quantile(share: number): number | undefined {
    const ranges = this.#ranges();
    const total = ranges.reduce((sum, { count }) => sum + count, 0);
    if (total === 0) return undefined;
    let rest = share * total;
    for (const { low, high, count, isGeometric } of ranges) {
      if (rest > count) {
        rest -= count;
        continue;
      }
      return this.#clamped(within(low, high, rest / count, isGeometric));
    }
    return this.#clamped(ranges.at(-1)?.high ?? 0);
  }

  /** The smallest and the largest, from the buckets where nobody said. */
  least(): number | undefined {
    return this.max >= this.min ? this.min : this.#ranges().find(({ count }) => count > 0)?.low;
  }

  greatest(): number | undefined {
    return this.max >= this.min ? this.max : this.#ranges().findLast(({ count }) => count > 0)?.high;
  }

  #clamped(value: number): number {
    return this.max >= this.min ? Math.min(this.max, Math.max(this.min, value)) : value;
  }

  #ranges(): Range[] {
    const ranges: Range[] = [];
    for (const { like, counts } of this.#cuts.values()) {
      for (const [at, count] of counts) ranges.push({ ...rangeOf(like, at), count });
    }
    return ranges.sort((a, b) => a.high - b.high || a.low - b.low);
  }
}

function rangeOf({ bounds, scale = 0, sign }: Buckets, at: number): Omit<Range, "count"> {
  if (bounds !== undefined) {
    // Of the open ones nobody knows where they end; the first is taken to begin at 0 as durations and sizes do.
    const high = bounds[at] ?? bounds.at(-1) ?? 0;
    const low = at === 0 ? Math.min(0, high) : (bounds[at - 1] ?? high);
    return { low, high, isGeometric: false };
  }
  if (sign === 0) return { low: 0, high: 0, isGeometric: false };
  const inner = 2 ** (at / 2 ** scale);
  const outer = 2 ** ((at + 1) / 2 ** scale);
  return sign === -1
    ? { low: -outer, high: -inner, isGeometric: true }
    : { low: inner, high: outer, isGeometric: true };
}

function within(low: number, high: number, share: number, isGeometric: boolean): number {
  if (!isGeometric || low === 0 || !Number.isFinite(high / low)) return low + (high - low) * share;
  return low * (high / low) ** share;
}
