/** Of the normal distribution: two sides of 2.5 %. */
const Z = 1.96;

/** Where the median of what was sampled is with 95 % certainty, whatever its distribution: the values at two ranks around the middle. */
export function medianInterval(samples: readonly number[]): { from: number; to: number } {
  if (samples.length === 0) throw new Error("there is nothing to take a median of");
  const sorted = samples.toSorted((a, b) => a - b);
  const half = (Z * Math.sqrt(sorted.length)) / 2;
  const from = Math.max(0, Math.floor(sorted.length / 2 - half));
  const to = Math.min(sorted.length - 1, Math.ceil(sorted.length / 2 + half));
  return { from: sorted[from]!, to: sorted[to]! };
}
