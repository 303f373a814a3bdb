/**
 * Part of a histogram's buckets, those of one way to cut: explicit bounds, or the exponential ones of a scale, of positive or
 * negative values, or those that are zero. Only buckets that something fell into are there, by index.
 */
export interface Buckets {
  /** Explicit: upper bounds; bucket i ends at bounds[i], one more is open. */
  bounds?: number[];
  /** Exponential: bucket i is (2^(i/2^scale), 2^((i+1)/2^scale)], times `sign`. */
  scale?: number;
  /** 0: what is zero, or as good as. */
  sign?: -1 | 0 | 1;
  at: number[];
  counts: number[];
}

/** What a histogram's point tells. */
export interface Distribution {
  count: number;
  sum: number;
  min?: number;
  max?: number;
  buckets: Buckets[];
}

/** Of a scale where a bucket is 4.4 % wide. */
export const OWN_SCALE = 4;

/** The bucket of a measurement, of those of its sign. */
export function bucketOf(value: number): number {
  return value === 0 ? 0 : Math.ceil(Math.log2(Math.abs(value)) * 2 ** OWN_SCALE) - 1;
}

/** Two ways to cut are the same where this is. */
export function cutOf({ bounds, scale, sign }: Buckets): string {
  return bounds === undefined ? `${scale} ${sign}` : bounds.join();
}

/**
 * What came since an earlier total of the same series; undefined where the later is no continuation, but counted anew.
 *
 * An exponential histogram halves its resolution when it runs out of buckets: the earlier one is brought to the later's.
 */
export function since(earlier: Distribution, later: Distribution): Distribution | undefined {
  if (later.count < earlier.count) return undefined;
  const buckets: Buckets[] = [];
  for (const part of later.buckets) {
    const counts = new Map<number, number>();
    for (const [index, at] of part.at.entries()) counts.set(at, part.counts[index] ?? 0);
    for (const before of earlier.buckets) {
      const shift = shiftBetween(before, part);
      if (shift === undefined) continue;
      for (const [index, at] of before.at.entries()) {
        const place = shift === 0 ? at : Math.floor(at / 2 ** shift);
        const left = (counts.get(place) ?? 0) - (before.counts[index] ?? 0);
        if (left < 0) return undefined;
        counts.set(place, left);
      }
    }
    const kept = [...counts].filter(([, count]) => count > 0);
    buckets.push({ ...part, at: kept.map(([at]) => at), counts: kept.map(([, count]) => count) });
  }
  return { count: later.count - earlier.count, sum: later.sum - earlier.sum, buckets };
}

/** How often the earlier's buckets are to be halved to be the later's; undefined where they are cut in another way. */
function shiftBetween(earlier: Buckets, later: Buckets): number | undefined {
  if (earlier.scale !== undefined && later.scale !== undefined) {
    const isComparable = earlier.sign === later.sign && earlier.scale >= later.scale;
    return isComparable ? earlier.scale - later.scale : undefined;
  }
  return cutOf(earlier) === cutOf(later) ? 0 : undefined;
}
