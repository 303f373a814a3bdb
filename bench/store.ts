/**
 * The store with a day of 1,000,000 spans: how long what the console asks for takes, over HTTP, and how fast the store is filled from
 * the log while somebody asks. A real daemon, which finds the spans in its log as the collector puts them there.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";
import { askAll, type Question } from "./store/ask-all.ts";
import { DAY_MS, longTrace, traceIdOf, tracesOver } from "./store/day-of-spans.ts";
import { type BenchSandbox, logTraces, recordSandboxes } from "./store/fill-logs.ts";
import { measureFilling } from "./store/measure-filling.ts";

const LONG_TRACE = "0af7651916cd43dd8448eb211c80319c";
const FIRST_LIVE_TRACE = 5_000_000;
const LIVE_MS = 10_000;
const API_KEY = "bench_0123456789abcdefghijklmnopqrstuvwxyz";

export const store: Part = {
  name: "store",
  title: "The store: a day of spans, asked and filled",
  measure: measureStore,
};

async function measureStore(plan: Plan): Promise<Row[]> {
  const spans = plan.times(1_000_000, 20_000);
  const live = plan.times(500_000, 10_000);
  const long = plan.times(50_000, 2_000);
  await using acquired = new AsyncDisposableStack();
  const dataDir = await mkdtemp("/tmp/sg-bench-");
  acquired.defer(() => rm(dataDir, { recursive: true, force: true }));
  let daemon: TestDaemon | undefined;
  acquired.defer(async () => void (await daemon?.stop()));
  const start = async (): Promise<TestDaemon> => {
    daemon = await startDaemon({
      dataDir,
      apiKeys: [API_KEY],
      args: ["--pool", "python=0", "--log", "warn"],
      env: { SANDGLASS_STATUS_ENABLED: "false" },
    });
    return daemon;
  };
  await (await start()).stop(); // makes the directory one of ours
  const dayEndsAt = Date.now();
  const sandboxes = await recordSandboxes(dataDir, dayEndsAt);
  await logTraces(dataDir, sandboxes, [
    ...longTrace(LONG_TRACE, long, dayEndsAt - LIVE_MS),
    ...tracesOver(spans - long, { endsAt: dayEndsAt, lengthMs: DAY_MS }),
  ]);
  const filled = await measureFilling(await start(), sandboxes[0]!, spans);
  const answers = await askAll(daemon!, questionsOf(sandboxes, dayEndsAt), plan.times(40, 3));
  await daemon!.stop();
  const endsAt = Date.now();
  const more = tracesOver(live, { endsAt, lengthMs: LIVE_MS, firstTrace: FIRST_LIVE_TRACE });
  await logTraces(dataDir, sandboxes, more);
  const beside = await measureFilling(await start(), sandboxes[0]!, spans + live);
  return [
    ...answers.map(({ question, samples }) =>
      row(`${question.name}, p50`, median(samples), "ms", {
        ...(question.atMost !== undefined && { target: { atMost: question.atMost } }),
        note: `p95 ${percentile(samples, 0.95).toFixed(1)} ms${question.note === undefined ? "" : `; ${question.note}`}`,
      }),
    ),
    row(`spans a second into a store of ${spans}, while it is read`, beside.perSecond, "/s", {
      target: { atLeast: 50_000 },
      note: `of the last ${LIVE_MS / 1000} s; ${beside.queries} queries were answered; ${beside.cpuMicros.toFixed(1)} µs of processor time of the store's thread for each`,
    }),
    row("event loop's delay meanwhile, p99", beside.loopDelayMs, "ms", { target: { atMost: 20 } }),
    row("the same into an empty one, of a whole day", filled.perSecond, "/s", {
      note: "each of its minutes has points of its own",
    }),
  ];
}

/** What is asked of a list is fifty traces. */
function questionsOf(sandboxes: readonly BenchSandbox[], dayEndsAt: number): Question[] {
  const { id, runId, template } = sandboxes[3]!;
  const ago = (ms: number): string => new Date(dayEndsAt - ms).toISOString();
  const noon = `since=${ago(DAY_MS / 2)}&until=${ago(DAY_MS / 2 - 600_000)}`;
  const day = `since=${ago(DAY_MS)}&until=${ago(0)}`;
  const lists: readonly (readonly [string, string])[] = [
    ["all", ""],
    ["by duration, few", "minDurationMs=1500"],
    ["by duration, none", "minDurationMs=9999999"],
    ["with errors", "error=true"],
    ["by template", `template=${template}`],
    ["by sandbox", `sandboxId=${id}`],
    ["by run", `runId=${runId}`],
    ["by name, none", "name=nothing"],
    ["by an attribute of most", "attribute=http.request.method%3DGET"],
    ["by an attribute of one in five hundred", "attribute=user.id%3Duser-42"],
    ["by an attribute of one", "attribute=order.id%3Dorder-77"],
    ["by an attribute of none", "attribute=order.id%3Dnone"],
    ["by errors, template and an attribute", `error=true&template=${template}&attribute=cache.hit%3Dtrue`],
    [
      "by two attributes and a duration, none",
      "attribute=cache.hit%3Dtrue&attribute=db.rows%3D7&minDurationMs=9999999",
    ],
    ["of ten minutes at noon, by an attribute", `${noon}&attribute=cache.hit%3Dtrue`],
  ];
  const p95 = `/v1/metrics?name=sandglass.span.duration&aggregation=p95&groupBy=sandglass.template.id&${day}`;
  return [
    ...lists.map(([name, query]) => ({
      name: `traces ${name}`,
      path: `/v1/traces?limit=50&${query}`,
      atMost: 150,
    })),
    { name: "one trace", path: `/v1/traces/${traceIdOf(777)}`, atMost: 50 },
    { name: "a trace of 50,000 spans", path: `/v1/traces/${LONG_TRACE}` },
    { name: "p95 by template over the day", path: p95, atMost: 250, note: "in quarters of an hour" },
    { name: "p95 by template, every 5 minutes", path: `${p95}&stepMs=300000` },
  ];
}
