/**
 * How long a daemon is away after a crash: from its start to `/readyz`, with 300 sandboxes that were alive and a log of 2 GiB. All of
 * it is real: the sandboxes run when the daemon is killed, and the log is full of events of others that ended before.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import type { Part, Plan } from "./measure/plan.ts";
import { fillRecord } from "./measure/record-filler.ts";
import { type Row, row } from "./measure/row.ts";
import { median } from "./measure/statistics.ts";

const MIB = 1024 ** 2;
const AT_ONCE = 8;
const LOOK_EVERY_MS = 5;
/** As users start it: with the command, which keeps its compiled sources. */
const SANDGLASS = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));
const API_KEY = "bench_0123456789abcdefghijklmnopqrstuvwxyz";

export const restart: Part = {
  name: "restart",
  title: "Restart after a crash",
  measure: measureRestart,
};

async function measureRestart(plan: Plan): Promise<Row[]> {
  const sandboxes = plan.times(300, 10);
  const logMib = plan.times(2048, 32);
  await using acquired = new AsyncDisposableStack();
  // Short: the agents' socket is below it, and the kernel takes 107 bytes.
  const dataDir = await mkdtemp("/tmp/sg-bench-");
  acquired.defer(() => rm(dataDir, { recursive: true, force: true }));
  const start = () =>
    startDaemon({
      program: [SANDGLASS, "serve"],
      dataDir,
      apiKeys: [API_KEY],
      args: ["--pool", "python=0", "--max-sandboxes", String(sandboxes), "--log", "warn"],
    });
  await (await start()).stop(); // makes the directory one of ours
  await fillRecord(dataDir, logMib * MIB);
  let daemon = await start();
  acquired.defer(async () => void (await daemon.stop()));
  const samples: number[] = [];
  for (let round = plan.times(3, 1); round > 0; round--) {
    await createMany(daemon, sandboxes);
    await daemon.kill();
    await daemon.stop();
    const startedMs = performance.now();
    daemon = await start();
    await isReady(daemon);
    samples.push(performance.now() - startedMs);
  }
  await daemon.kill();
  await daemon.stop();
  const idleMs = performance.now();
  daemon = await start();
  await isReady(daemon);
  const withoutMs = performance.now() - idleMs;
  return [
    row("start to /readyz after a crash, median", median(samples), "ms", {
      target: { atMost: 3000 },
      note: `${sandboxes} sandboxes were alive, ${logMib} MiB of log; at most ${Math.round(Math.max(...samples))} ms`,
    }),
    row("the same with no sandbox alive", withoutMs, "ms"),
  ];
}

/** Idle bash sandboxes, every one with an exec that is running. */
async function createMany(daemon: TestDaemon, count: number): Promise<void> {
  const client = new Client({ baseUrl: daemon.url, apiKey: API_KEY });
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const sandbox = await client.sandboxes.create({ template: "bash", memoryMb: 64, diskMb: 64 });
      const stream = sandbox.commands.stream("echo in; sleep 10000")[Symbol.asyncIterator]();
      await stream.next();
      // The daemon is killed while it runs: the stream breaks.
      stream.next().catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  client.close();
}

async function isReady(daemon: TestDaemon): Promise<void> {
  for (;;) {
    const { ok } = await fetch(`${daemon.url}/readyz`);
    if (ok) return;
    await delay(LOOK_EVERY_MS);
  }
}
