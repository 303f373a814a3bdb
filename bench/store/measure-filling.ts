import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { TestDaemon } from "@sandglass/testkit";
import { ask } from "./ask-all.ts";
import type { BenchSandbox } from "./fill-logs.ts";

const LOOK_EVERY_MS = 50;
const GIVE_UP_MS = 900_000;
/** As the daemon names it, and the kernel shows it. */
const THREAD = "sandglass-store";
/** `getconf CLK_TCK`: a constant of Linux on all that Node runs on. */
const TICKS_A_SECOND = 100;
const READ = [
  "/v1/traces?limit=50",
  "/v1/traces?limit=50&error=true",
  "/v1/traces?limit=50&attribute=cache.hit%3Dtrue",
  "/v1/metrics?name=sandglass.span.duration&aggregation=p95&groupBy=sandglass.template.id",
  "/v1/runs?limit=50",
] as const;

export interface Filling {
  perSecond: number;
  /** What the thread that fills the store took of a processor for each span, microseconds: who else has one makes no difference. */
  cpuMicros: number;
  /** Of the daemon's event loop, milliseconds: the upper bound of the bucket that the 99th percentile is in. */
  loopDelayMs: number;
  queries: number;
}

/**
 * Waits until a daemon that has just begun has so many spans in its store, and asks meanwhile what an open console asks.
 *
 * @param sandbox that spans are about @param spans those that the store has in the end
 */
export async function measureFilling(
  daemon: TestDaemon,
  sandbox: BenchSandbox,
  spans: number,
): Promise<Filling> {
  const before = await spanCount(daemon);
  const startedMs = performance.now();
  const delaysBefore = await loopDelays(daemon);
  const cpuBefore = await ingestCpuSeconds(daemon.pid);
  let queries = 0;
  let count = before;
  for (const endsAt = startedMs + GIVE_UP_MS; count < spans; queries++) {
    if (performance.now() > endsAt) throw new Error(`the store had ${count} of ${spans} spans`);
    await ask(daemon, `${READ[queries % READ.length]}`);
    await ask(daemon, `/v1/traces?limit=20&sandboxId=${sandbox.id}`);
    await delay(LOOK_EVERY_MS);
    count = await spanCount(daemon);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    perSecond: (count - before) / seconds,
    cpuMicros: (((await ingestCpuSeconds(daemon.pid)) - cpuBefore) / (count - before)) * 1e6,
    loopDelayMs: percentileOf(delaysBefore, await loopDelays(daemon), 0.99) * 1000,
    queries: 2 * queries,
  };
}

/** As the store's list of metrics has it: each span is one of the points that the metric of durations is made of. */
async function spanCount(daemon: TestDaemon): Promise<number> {
  const { items } = JSON.parse(await ask(daemon, "/v1/metrics")) as {
    items: { name: string; points: number }[];
  };
  return items.find(({ name }) => name === "sandglass.span.duration")?.points ?? 0;
}

/** Processor time of the thread that fills the store. */
async function ingestCpuSeconds(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  const ticks: number[] = await Promise.all(
    (await readdir(tasks)).map(async (task) => {
      const stat = await readFile(`${tasks}/${task}/stat`, "utf8");
      const end = stat.lastIndexOf(")");
      const fields = stat.slice(end + 2).split(" ");
      // utime and stime: proc_pid_stat(5), counted from the one behind the name.
      return stat.slice(0, end).endsWith(`(${THREAD}`) ? Number(fields[11]) + Number(fields[12]) : 0;
    }),
  );
  return Math.max(...ticks) / TICKS_A_SECOND;
}

/** Cumulative counts by upper bound, in seconds. */
async function loopDelays(daemon: TestDaemon): Promise<Map<number, number>> {
  const text = await ask(daemon, "/metrics");
  const buckets = text.matchAll(/^sandglass_event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  return new Map(
    [...buckets].map(([, bound, count]) => [
      bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound),
      Number(count),
    ]),
  );
}

function percentileOf(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  share: number,
): number {
  const counts = [...after].map(([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }));
  const total = counts.at(-1)?.count ?? 0;
  return counts.find(({ count }) => count >= share * total)?.bound ?? Number.NaN;
}
