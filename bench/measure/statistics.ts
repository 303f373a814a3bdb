/** @param share 0.5 is the median, 0.99 the value that one sample in a hundred exceeds (nearest rank) */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error("there is nothing to take a percentile of");
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
