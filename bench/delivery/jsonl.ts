/**
 * Events to a file of JSON lines, beside pino that is told the same fields: the lines are as long and say the same. Each in a
 * process that has one core, in turns.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { twoCores } from "../measure/cores.ts";
import type { Effort } from "../measure/effort.ts";
import { interleave } from "../measure/interleave.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { Ours } from "./ours.ts";
import { PinoLog } from "./pino-log.ts";

const DRAIN = "log to file";
const THROUGH = "emit to file";
/** What pino's documentation recommends where speed matters, and its default. */
const PINOS = [
  { name: "pino, sync", sync: true, minLength: 0 },
  { name: "pino, sync, minLength 4096", sync: true, minLength: 4096 },
  { name: "pino, async, minLength 4096", sync: false, minLength: 4096 },
];

export const jsonl: Part = {
  name: "jsonl",
  title: "Events to a file of JSON lines, one core",
  measure: measureJsonl,
};

async function measureJsonl(plan: Plan): Promise<Row[]> {
  const { subject } = twoCores();
  const count = plan.times(100_000, 10_000);
  await using running = new AsyncDisposableStack();
  const dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-"));
  running.defer(() => rmSync(dir, { recursive: true }));
  const cpu = new Map<string, number[]>();
  const candidate = (
    name: string,
    file: string,
    run: () => Promise<Effort>,
    prepare?: () => Promise<void>,
  ) => ({
    name,
    run: async () => {
      await prepare?.();
      const before = existsSync(file) ? statSync(file).size : 0;
      const { ms, cpuMs } = await run();
      assertWhole(name, file, before, count);
      cpu.set(name, [...(cpu.get(name) ?? []), cpuMs]);
      return ms;
    },
  });
  const file = join(dir, "ours.jsonl");
  const exporter = { provider: "jsonl", config: { filePath: file, rotateSizeBytes: 0 } };
  const ours = running.use(await Ours.start([exporter], subject));
  const candidates = [
    candidate(
      DRAIN,
      file,
      () => ours.drain(),
      () => ours.fill(count),
    ),
    candidate(THROUGH, file, async () => {
      await ours.attach();
      const effort = await ours.through(count);
      await ours.detach();
      return effort;
    }),
  ];
  for (const [index, { name, ...options }] of PINOS.entries()) {
    const pinoFile = join(dir, `pino-${index}.jsonl`);
    const logger = running.use(await PinoLog.start({ file: pinoFile, ...options }, subject));
    candidates.push(candidate(name, pinoFile, () => logger.write(count)));
  }
  await interleave(1, candidates);
  cpu.clear();
  const samples = await interleave(plan.times(5, 1), candidates);
  const rate = (name: string) => count / (median(samples.get(name)!) / 1000);
  const cpuMs = (name: string) => (median(cpu.get(name)!) * 100_000) / count;
  const best = PINOS.map(({ name }) => name).reduce((a, b) => (rate(a) >= rate(b) ? a : b));
  return [
    ...candidates.map(({ name }) =>
      row(name, rate(name), "/s", { note: `${cpuMs(name).toFixed(0)} ms of processor for 100,000` }),
    ),
    row(`${DRAIN} / ${best}`, rate(DRAIN) / rate(best), "x", {
      target: { atLeast: 1 },
      note: "same fields, same run, in turns",
    }),
    row(`${THROUGH} / ${best}`, rate(THROUGH) / rate(best), "x", {
      note: "ours writes each event twice: to its log, and from there to the file",
    }),
  ];
}

/** A line that is not there is not fast. */
function assertWhole(name: string, file: string, before: number, count: number): void {
  const added = readFileSync(file).subarray(before);
  let lines = 0;
  for (let at = added.indexOf(10); at !== -1; at = added.indexOf(10, at + 1)) lines += 1;
  const { type, data } = JSON.parse(added.toString("utf8", 0, added.indexOf(10))) as {
    type: string;
    data: object;
  };
  if (lines !== count) throw new Error(`${name}: ${lines} of ${count} lines are in the file`);
  if (type !== "exec.completed" || Object.keys(data).length !== 13)
    throw new Error(`${name}: its first line is no whole event`);
}
