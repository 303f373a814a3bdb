/** How long a caller waits for a sandbox that is ready in the pool: through HTTP, with the SDK, in another process. */
import type { Sandbox } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { percentile } from "./measure/statistics.ts";

const WARM_UP = 5;
const BURST = 4;

export const create: Part = {
  name: "create",
  title: "Create from the warm pool, through HTTP and SDK",
  measure: measureCreate,
};

async function measureCreate(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start({ pool: BURST });
  const samples: number[] = [];
  for (let i = -WARM_UP; i < plan.times(200, 8); i++) {
    // Refilling costs what a create on demand costs, and is not what is asked here.
    await daemon.poolIsFull();
    const { ms, sandbox } = await createOne(daemon);
    if (i >= 0) samples.push(ms);
    await sandbox.terminate();
  }
  const bursts: number[] = [];
  for (let i = 0; i < plan.times(20, 2); i++) {
    await daemon.poolIsFull();
    const started = performance.now();
    const burst = await Promise.all(Array.from({ length: BURST }, () => createOne(daemon, started)));
    bursts.push(Math.max(...burst.map(({ ms }) => ms)));
    await Promise.all(burst.map(({ sandbox }) => sandbox.terminate()));
  }
  return [
    row("create from the pool, p50", percentile(samples, 0.5), "ms", { target: { atMost: 5 } }),
    row("create from the pool, p99", percentile(samples, 0.99), "ms", {
      target: { atMost: 25 },
      note: `of ${samples.length}`,
    }),
    row(`${BURST} at once, until the last is there, p50`, percentile(bursts, 0.5), "ms"),
  ];
}

async function createOne(
  daemon: MeasuredDaemon,
  started: number = performance.now(),
): Promise<{ ms: number; sandbox: Sandbox }> {
  const sandbox = await daemon.client.sandboxes.create({ template: "python" });
  const ms = performance.now() - started;
  const { source } = await sandbox.info();
  if (source !== "pool") throw new Error(`a sandbox came from ${source}, not from the pool`);
  return { ms, sandbox };
}
