/**
 * Many sandboxes at once: what an idle one costs the host, everything counted, and how long a hundred callers wait who come at the same
 * moment, with nothing ready and with a pool that has one for each.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "sandglass";
import { MeasuredDaemon } from "./measure/daemon.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";

const AT_ONCE = 100;
/** Small enough that three hundred may be made on a machine whose memory they could not all use up. */
const SMALL = { template: "python", memoryMb: 128, diskMb: 128 } as const;
/** Made side by side while the fleet is built: more only wait for each other. */
const MAKERS = 4;
/** Until what the makers left behind is given back. */
const SETTLE_MS = 3_000;

export const fleet: Part = {
  name: "fleet",
  title: "Many sandboxes at once",
  measure: async (plan) => [...(await measureIdle(plan)), ...(await measureBursts(plan))],
};

async function measureIdle(plan: Plan): Promise<Row[]> {
  const count = plan.times(300, 10);
  await using daemon = await MeasuredDaemon.start({ maxSandboxes: count + 1 });
  // The first makes the image of the disk, and loads what all of them share.
  const first = await makeWarm(daemon);
  await delay(SETTLE_MS);
  const before = usedBytes();
  const made: Sandbox[] = [];
  await inParallel(MAKERS, count, async () => void made.push(await makeWarm(daemon)));
  await delay(SETTLE_MS);
  const each = (usedBytes() - before) / count / 1e6;
  const answers = await Promise.all(made.map(async (sandbox) => (await sandbox.runCode("print(x)")).stdout));
  const alive = answers.filter((text) => text === "42\n").length;
  await Promise.all([first, ...made].map((sandbox) => sandbox.terminate()));
  return [
    row("an idle sandbox, its interpreter warm", each, "MB", {
      target: { atMost: 20 },
      note: "memory that the whole machine has less, by sandboxes: kernel, daemon and collector included",
    }),
    row("idle sandboxes at once, each of which still answers", alive, "sandboxes", {
      ...(plan.isQuick ? {} : { target: { atLeast: 300 } }),
    }),
  ];
}

async function makeWarm(daemon: MeasuredDaemon): Promise<Sandbox> {
  const sandbox = await daemon.client.sandboxes.create(SMALL);
  const { exitCode } = await sandbox.runCode("x = 42");
  if (exitCode !== 0) throw new Error(`a cell ended with ${exitCode}`);
  return sandbox;
}

async function measureBursts(plan: Plan): Promise<Row[]> {
  const count = plan.times(AT_ONCE, 4);
  const cold = await burst(plan, count, 0);
  const pooled = await burst(plan, count, count);
  return [
    row(`${count} created at once, cold, p95`, cold, "ms", { target: { atMost: 4_000 } }),
    row(`${count} created at once, from a pool of ${count}, p95`, pooled, "ms", { target: { atMost: 300 } }),
  ];
}

/** The median over rounds of the 95th percentile. Every create is answered, or this throws. */
async function burst(plan: Plan, count: number, pool: number): Promise<number> {
  await using daemon = await MeasuredDaemon.start({ pool, maxSandboxes: 3 * count + pool });
  const rounds: number[] = [];
  for (let round = plan.times(5, 1); round > 0; round--) {
    if (pool > 0) await daemon.poolIsFull();
    const samples: number[] = [];
    const made = await Promise.all(
      Array.from({ length: count }, async () => {
        const started = performance.now();
        const sandbox = await daemon.client.sandboxes.create({ template: "python" });
        samples.push(performance.now() - started);
        return sandbox;
      }),
    );
    rounds.push(percentile(samples, 0.95));
    await inParallel(MAKERS, count, async (index) => made[index]?.terminate());
    await delay(SETTLE_MS);
  }
  return median(rounds);
}

/** Memory that is neither free nor could be had by giving up caches. */
function usedBytes(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return (kb("MemTotal") - kb("MemAvailable")) * 1024;
}

async function inParallel(
  workers: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
