/**
 * Appends per second of the durable log: 500-byte events, 1000 at a time, with each durability, in turns so that a noisy
 * machine is noisy to all. Beside it what a program would do otherwise: `fs.appendFile` of a JSON line per event. And how long
 * one event of the record takes from its emit to its acknowledgement, when nothing else is going on.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newExecId, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { DurableLog, Recorder } from "@sandglass/telemetry";
import { interleave, timed } from "./measure/interleave.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median, percentile } from "./measure/statistics.ts";

const PAYLOAD = JSON.stringify({ type: "exec.completed", data: "x".repeat(462) });
const BATCH = 1000;

type Durability = "process" | "power";

export const log: Part = {
  name: "log",
  title: "Durable log",
  measure: async (plan) => [...(await measureAppends(plan)), ...(await measureEmits(plan))],
};

async function measureAppends(plan: Plan): Promise<Row[]> {
  const appends = [
    { name: "process", count: plan.times(200_000, 50_000), atLeast: 200_000 },
    { name: "power", count: plan.times(100_000, 20_000), atLeast: 50_000 },
  ] as const;
  const lines = { name: "fs.appendFile, one line each", count: plan.times(10_000, 1_000) };
  const samples = await interleave(plan.times(5, 2), [
    ...appends.map(({ name, count }) => ({
      name,
      run: () => inDirectory((dir) => timed(() => appendAll(dir, name, count))),
    })),
    { name: lines.name, run: () => inDirectory((dir) => timed(() => appendLines(dir, lines.count))) },
  ]);
  const rate = (name: string, count: number) => count / (median(samples.get(name)!) / 1000);
  const baseline = rate(lines.name, lines.count);
  return [
    ...appends.map(({ name, count, atLeast }) =>
      row(`500-byte events, ${name}`, rate(name, count), "/s", {
        target: { atLeast },
        note: `${(rate(name, count) / baseline).toFixed(1)} x fs.appendFile`,
      }),
    ),
    row(lines.name, baseline, "/s"),
  ];
}

async function measureEmits(plan: Plan): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [durability, count] of [
    ["process", plan.times(5000, 500)],
    ["power", plan.times(300, 30)],
  ] as const) {
    const samples = await inDirectory((dir) => emitOneByOne(dir, durability, count));
    rows.push(
      row(`emit of one event, ${durability}, p50`, median(samples), "ms"),
      row(`emit of one event, ${durability}, p99`, percentile(samples, 0.99), "ms"),
    );
  }
  return rows;
}

async function appendAll(dir: string, durability: Durability, count: number): Promise<void> {
  const opened = await DurableLog.open({ dir, durability });
  for (let done = 0; done < count; done += BATCH) {
    const appended: Promise<number>[] = [];
    for (let i = 0; i < BATCH; i++) appended.push(opened.append(PAYLOAD));
    await Promise.all(appended);
  }
  await opened.close();
}

async function appendLines(dir: string, count: number): Promise<void> {
  const file = join(dir, "events.jsonl");
  for (let i = 0; i < count; i++) await appendFile(file, `${PAYLOAD}\n`);
}

async function emitOneByOne(dataDir: string, durability: Durability, count: number): Promise<number[]> {
  const recorder = await Recorder.open({ dataDir, durability });
  const sandboxId = newSandboxId();
  const samples: number[] = [];
  for (let i = -count / 10; i < count; i++) {
    const ms = await timed(() =>
      recorder.emit({
        type: "exec.completed",
        level: "info",
        orgId: "default",
        sandboxId,
        runId: "",
        traceId: newTraceId(),
        spanId: newSpanId(),
        parentSpanId: "",
        data: {
          execId: newExecId(),
          kind: "code",
          language: "python",
          code: "print(1)",
          exitCode: 0,
          cause: "exited",
          durationMs: 1.234,
          cpuMs: 0.5,
          maxRssBytes: 12_345_678,
          stdoutBytes: 2,
          stderrBytes: 0,
          stdoutTail: "1\n",
        },
      }),
    );
    if (i >= 0) samples.push(ms);
  }
  await recorder.close();
  return samples;
}

/** `SANDGLASS_BENCH_DIR` names another place to write to than the temporary directory: another disk. */
async function inDirectory<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
