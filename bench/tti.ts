/**
 * Time to interactive, as sandbox services are publicly compared: create, one first command (a shell line that echoes),
 * destroy, seen from the caller.
 */
import { setTimeout as delay } from "node:timers/promises";
import { MeasuredDaemon } from "./measure/daemon.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { percentile } from "./measure/statistics.ts";

const WARM_UP = 5;
const SETTLE_MS = 20;

export const tti: Part = {
  name: "tti",
  title: "Time to interactive: create, first command, destroy",
  measure: measureTti,
};

async function measureTti(plan: Plan): Promise<Row[]> {
  await using pooled = await MeasuredDaemon.start({ pool: 4 });
  await using cold = await MeasuredDaemon.start();
  const fromPool = await sample(plan.times(150, 8), pooled, () => pooled.poolIsFull());
  const onDemand = await sample(plan.times(40, 4), cold, () => delay(SETTLE_MS));
  return [
    row("from the pool, p50", percentile(fromPool.total, 0.5), "ms", { target: { atMost: 25 } }),
    row("from the pool, p99", percentile(fromPool.total, 0.99), "ms", {
      note: `of ${fromPool.total.length}`,
    }),
    row("from the pool, without destroy, p50", percentile(fromPool.interactive, 0.5), "ms"),
    row("on demand, p50", percentile(onDemand.total, 0.5), "ms"),
    row("on demand, without destroy, p50", percentile(onDemand.interactive, 0.5), "ms"),
  ];
}

async function sample(
  count: number,
  { client }: MeasuredDaemon,
  settled: () => Promise<void>,
): Promise<{ interactive: number[]; total: number[] }> {
  const interactive: number[] = [];
  const total: number[] = [];
  for (let i = -WARM_UP; i < count; i++) {
    await settled();
    const started = performance.now();
    const sandbox = await client.sandboxes.create({ template: "python" });
    const { stdout } = await sandbox.commands.run("echo 1");
    const interactiveMs = performance.now() - started;
    await sandbox.terminate();
    const totalMs = performance.now() - started;
    if (stdout !== "1\n") throw new Error(`echo 1 printed ${JSON.stringify(stdout)}`);
    if (i < 0) continue;
    interactive.push(interactiveMs);
    total.push(totalMs);
  }
  return { interactive, total };
}
