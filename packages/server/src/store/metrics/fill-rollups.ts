import type { Statements } from "../statements.ts";
import type { Distribution } from "./distribution.ts";
import { Histogram } from "./histogram.ts";
import { METRIC_TYPE } from "./metric-table.ts";
import { ROLLUP_MICROS } from "./open-points.ts";

/** Makes the quarters of an hour of all points that the daemon has derived, where there are none yet. */
export function fillRollups(statements: Statements): void {
  const derived = statements.all<{ key: number }>(
    `SELECT metric_series.key FROM metric_series JOIN metrics ON metrics.key = metric
     WHERE metrics.host = 1 AND metrics.type = ? AND metrics.delta = 1`,
    METRIC_TYPE.histogram,
  );
  for (const { key } of derived) {
    const rollups = new Map<number, Histogram>();
    const points = statements.each<{ time: number; distribution: string }>(
      "SELECT time, distribution FROM points WHERE series = ? AND distribution IS NOT NULL",
      key,
    );
    for (const { time, distribution } of points) {
      const step = Math.floor(time / ROLLUP_MICROS) * ROLLUP_MICROS;
      const rollup = rollups.get(step) ?? new Histogram();
      rollup.add(JSON.parse(distribution) as Distribution);
      rollups.set(step, rollup);
    }
    for (const [time, rollup] of rollups) {
      statements.run(
        "INSERT INTO rollups (series, time, distribution) VALUES (?, ?, ?)",
        ...[key, time, JSON.stringify(rollup.toDistribution())],
      );
    }
  }
}
