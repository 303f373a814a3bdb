/** What collecting costs whoever sends nothing: a sandbox's creation, an exec, memory, and the start of the daemon. */
import { setTimeout as delay } from "node:timers/promises";
import { Sink } from "../delivery/sink.ts";
import { MeasuredDaemon } from "../measure/daemon.ts";
import { startDaemonProcess } from "../measure/daemon-process.ts";
import { interleave, timed } from "../measure/interleave.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { privateBytes } from "../measure/process-usage.ts";
import { type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { OurCollector } from "./our-collector.ts";

const ON = "with";
const OFF = "without";
const RECORDED = "recording";
const EXEC_ROUNDS = 5;
const WARM_UP = 3;
const SETTLE_MS = 2_000;

export const collectorCost: Part = {
  name: "collector-cost",
  title: "What the collector costs who sends nothing",
  measure: async (plan) => [
    ...(await measureCreation(plan)),
    ...(await measureExec(plan)),
    ...(await measureMemory(plan)),
    ...(await measureStart(plan)),
  ],
};

async function measureCreation(plan: Plan): Promise<Row[]> {
  const cold = await compareCreation(plan.times(150, 4), 0);
  const pooled = await compareCreation(plan.times(100, 4), 1);
  const note = "median of what one turn differs from the other";
  return [
    row("create on demand, with the collector, p50", cold.on, "ms"),
    row("the same without", cold.off, "ms"),
    row("added to a creation on demand", cold.added, "ms", { target: { atMost: 3 }, note }),
    row("create from the pool, with the collector, p50", pooled.on, "ms"),
    row("the same without", pooled.off, "ms"),
    row("added to a creation from the pool", pooled.added, "ms", { target: { atMost: 3 }, note }),
  ];
}

async function compareCreation(times: number, pool: number): Promise<Medians> {
  await using on = await MeasuredDaemon.start({ pool });
  await using off = await MeasuredDaemon.start({ pool, hasCollector: false });
  const candidates = [
    { name: ON, run: () => createOne(on, pool) },
    { name: OFF, run: () => createOne(off, pool) },
  ];
  await interleave(WARM_UP, candidates);
  return medians(await interleave(times, candidates));
}

async function createOne(daemon: MeasuredDaemon, pool: number): Promise<number> {
  if (pool > 0) await daemon.poolIsFull();
  const started = performance.now();
  const sandbox = await daemon.client.sandboxes.create({ template: "python" });
  const ms = performance.now() - started;
  await daemon.discard(sandbox);
  return ms;
}

/** What an exec takes where everything is on, where all is off, and with the record alone. */
interface ExecTimes {
  on: number;
  off: number;
  record: number;
}

/** Daemons of the same kind differ by some percent, as V8 has compiled them and where their memory lies: each round has others. */
async function measureExec(plan: Plan): Promise<Row[]> {
  await using sink = await Sink.start();
  const cells: ExecTimes[] = [];
  const commands: ExecTimes[] = [];
  for (let round = 0; round < plan.times(EXEC_ROUNDS, 1); round++) {
    const { cell, command } = await compareExecs(plan, sink.url);
    cells.push(cell);
    commands.push(command);
  }
  const middle = (all: readonly ExecTimes[], of: (times: ExecTimes) => number) => median(all.map(of));
  const ratio = ({ on, off }: ExecTimes) => on / off;
  const each = (all: readonly ExecTimes[]) =>
    all
      .map((times) => ratio(times).toFixed(2))
      .toSorted()
      .join(", ");
  return [
    row(
      "runCode, record, collector and otel exporter on, p50",
      middle(cells, ({ on }) => on),
      "ms",
    ),
    row(
      "runCode, all of them off, p50",
      middle(cells, ({ off }) => off),
      "ms",
    ),
    row("all on / all off", middle(cells, ratio), "x", {
      target: { atMost: 1.1 },
      note: `host metrics on; instrument and logs off, as by default; of other daemons each: ${each(cells)}`,
    }),
    row(
      "record alone / all off",
      middle(cells, ({ record, off }) => record / off),
      "x",
    ),
    row(
      "all on / record alone",
      middle(cells, ({ on, record }) => on / record),
      "x",
      {
        note: "what telemetry adds to the record",
      },
    ),
    row(
      "command /bin/true, all on, p50",
      middle(commands, ({ on }) => on),
      "ms",
    ),
    row("command /bin/true, all on / all off", middle(commands, ratio), "x", {
      target: { atMost: 1.1 },
      note: `of other daemons each: ${each(commands)}`,
    }),
  ];
}

async function compareExecs(plan: Plan, endpoint: string): Promise<{ cell: ExecTimes; command: ExecTimes }> {
  const observability = { provider: "otel", config: { endpoint, protocol: "http/protobuf" } };
  await using everything = await MeasuredDaemon.start({ observability });
  await using nothing = await MeasuredDaemon.start({ isRecording: false, hasCollector: false });
  await using recording = await MeasuredDaemon.start({ hasCollector: false });
  const daemons = [
    { name: ON, daemon: everything },
    { name: OFF, daemon: nothing },
    { name: RECORDED, daemon: recording },
  ];
  const sandboxes = await Promise.all(
    daemons.map(async ({ name, daemon }) => ({
      name,
      sandbox: await daemon.client.sandboxes.create({ template: "python" }),
    })),
  );
  const cells = sandboxes.map(({ name, sandbox }) => ({
    name,
    run: () => timed(() => sandbox.runCode("print(1)")),
  }));
  const commands = sandboxes.map(({ name, sandbox }) => ({
    name,
    run: () => timed(() => sandbox.commands.run(["/bin/true"])),
  }));
  // Until what records is compiled too, of which there is more.
  await interleave(plan.times(4000, 50), cells);
  const cell = execTimes(await interleave(plan.times(2000, 100), cells));
  await interleave(plan.times(100, 5), commands);
  const command = execTimes(await interleave(plan.times(300, 20), commands));
  return { cell, command };
}

function execTimes(samples: ReadonlyMap<string, readonly number[]>): ExecTimes {
  const of = (name: string): number => median(samples.get(name)!);
  return { on: of(ON), off: of(OFF), record: of(RECORDED) };
}

async function measureMemory(plan: Plan): Promise<Row[]> {
  const sandboxes = plan.times(1000, 200);
  await using ours = await OurCollector.start(undefined);
  const hostPid = await ours.attach(20);
  const before = await settledBytes(ours.ports.pid, hostPid);
  await ours.attach(sandboxes);
  const after = await settledBytes(ours.ports.pid, hostPid);
  const note = `private memory of both processes, of ${sandboxes} sandboxes more`;
  const each = (index: 0 | 1) => (after[index] - before[index]) / sandboxes / 1000;
  return [
    row("memory for an idle sandbox", each(0) + each(1), "kB", { target: { atMost: 100 }, note }),
    row("of that in the collector's process", each(0), "kB"),
    row("of that in the daemon's", each(1), "kB"),
    row("memory of the collector's process with none", before[0] / 1e6, "MB", { note: "once a daemon" }),
  ];
}

async function settledBytes(collectorPid: number, hostPid: number): Promise<readonly [number, number]> {
  await delay(SETTLE_MS);
  return [privateBytes(collectorPid), privateBytes(hostPid)];
}

async function measureStart(plan: Plan): Promise<Row[]> {
  const start = (flags: readonly string[]) => async () => {
    const started = performance.now();
    const daemon = await startDaemonProcess(flags);
    const ms = performance.now() - started;
    await daemon.stop();
    return ms;
  };
  const flags = ["--pool", "python=0"];
  const candidates = [
    { name: ON, run: start(flags) },
    { name: OFF, run: start([...flags, "--no-collector-enabled"]) },
  ];
  // The first compiles what the others find compiled.
  await interleave(1, candidates);
  const { on, off, added } = medians(await interleave(plan.times(15, 3), candidates));
  return [
    row("`sandglass serve` until ready, with the collector, p50", on, "ms"),
    row("the same without", off, "ms"),
    row("added to the daemon's start", added, "ms"),
  ];
}

interface Medians {
  on: number;
  off: number;
  /** Of each turn, what it takes more with the collector than without: what the machine does beside it is the same to both. */
  added: number;
}

function medians(samples: ReadonlyMap<string, readonly number[]>): Medians {
  const on = samples.get(ON)!;
  const off = samples.get(OFF)!;
  return { on: median(on), off: median(off), added: median(on.map((ms, turn) => ms - off[turn]!)) };
}
