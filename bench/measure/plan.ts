import type { Row } from "./row.ts";

/** How thoroughly to measure. */
export interface Plan {
  isQuick: boolean;
  /** Repetitions: `full`, or with `--quick` only `quick`, enough to see that everything works. */
  times(full: number, quick: number): number;
}

/** One file of the benchmark. */
export interface Part {
  /** What `--only` takes. */
  name: string;
  title: string;
  measure(plan: Plan): Promise<Row[]>;
}

export function planOf(isQuick: boolean): Plan {
  return { isQuick, times: (full, quick) => (isQuick ? quick : full) };
}
