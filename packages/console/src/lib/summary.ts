import type { RuntimeEvent } from "@sandglass/protocol";

export interface Percentiles {
  count: number;
  p50: number;
  p95: number;
  p99: number;
}

/** Nearest rank. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export interface Summary {
  create: Percentiles;
  exec: Percentiles;
  /** Execs that ended otherwise than with code 0, by cause; the most frequent first. */
  failures: [cause: string, count: number][];
  /** Sandboxes made, and of them from the pool. */
  made: number;
  fromPool: number;
  /** US dollars. */
  llmUsd: number;
  llmCalls: number;
  /** Calls of models whose price is not known. */
  unpricedCalls: number;
  runtimeUsd: number;
  /** What sandboxes used was recorded. */
  hasUsage: boolean;
  /** Execs by time, for a chart: as many buckets as asked for, the last one now. */
  buckets: { ok: number; failed: number }[];
}

/** What the events of a time range come to. What a sandbox's own telemetry says of costs is not counted. */
export function summarise(
  events: readonly RuntimeEvent[],
  fromMs: number,
  toMs: number,
  buckets: number,
): Summary {
  const creates: number[] = [];
  const execs: number[] = [];
  const failures = new Map<string, number>();
  const summary = {
    made: 0,
    fromPool: 0,
    llmUsd: 0,
    llmCalls: 0,
    unpricedCalls: 0,
    runtimeUsd: 0,
    hasUsage: false,
  };
  const chart = Array.from({ length: buckets }, () => ({ ok: 0, failed: 0 }));
  for (const event of events) {
    const at = Date.parse(event.timestamp);
    if (at < fromMs) continue;
    if (event.type === "sandbox.created") {
      creates.push(event.data.durationMs);
      summary.made++;
      if (event.data.source === "pool") summary.fromPool++;
    } else if (event.type === "exec.completed") {
      const { cause, exitCode, durationMs } = event.data;
      execs.push(durationMs);
      const isOk = cause === "exited" && exitCode === 0;
      if (!isOk) {
        const name = cause === "exited" ? "exit code" : cause;
        failures.set(name, (failures.get(name) ?? 0) + 1);
      }
      const index = Math.min(buckets - 1, Math.floor(((at - fromMs) / (toMs - fromMs)) * buckets));
      const bucket = chart[index];
      if (bucket !== undefined) bucket[isOk ? "ok" : "failed"]++;
    } else if (event.type === "cost.llm" && event.data.origin !== "sandbox") {
      summary.llmCalls++;
      if (event.data.costUsd === undefined) summary.unpricedCalls++;
      summary.llmUsd += event.data.costUsd ?? 0;
    } else if (event.type === "cost.runtime") {
      summary.hasUsage = true;
      summary.runtimeUsd += event.data.costUsd;
    }
  }
  return {
    ...summary,
    create: percentiles(creates),
    exec: percentiles(execs),
    failures: [...failures].sort((a, b) => b[1] - a[1]),
    buckets: chart,
  };
}
