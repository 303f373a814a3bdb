/** What running a sandbox costs. */
export interface CostRates {
  /** US dollars for an hour of one processor, as far as it was used. */
  cpuHourUsd: number;
  /** US dollars for an hour of one GiB that a sandbox may use, whether it does or not. */
  memoryGbHourUsd: number;
}

export interface SamplingOptions {
  /** Milliseconds between two samples of a sandbox; 0 takes only the first and the last. */
  intervalMs: number;
  costRates: CostRates;
}
