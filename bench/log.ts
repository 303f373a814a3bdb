/**
 * Appends per second of the durable log: 500-byte events, 1000 at a time, with each durability, in turns so that a noisy
 * machine is noisy to both. Beside it what a program would do otherwise: `fs.appendFile` of a JSON line per event.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DurableLog } from "@sandglass/telemetry";

const PAYLOAD = JSON.stringify({ type: "exec.completed", data: "x".repeat(462) });
const BATCH = 1000;
const RUNS = 5;

export interface LogRow {
  name: string;
  /** Median over the runs. */
  appendsPerSecond: number;
  /** The least that is asked for; absent for what is only compared with. */
  floor?: number;
}

/** Takes about ten seconds. `SANDGLASS_BENCH_DIR` names another place to write to than the temporary directory. */
export async function benchLog(): Promise<LogRow[]> {
  const candidates: {
    name: string;
    count: number;
    floor?: number;
    run: (dir: string, count: number) => Promise<void>;
  }[] = [
    {
      name: "process",
      count: 200_000,
      floor: 200_000,
      run: (dir, count) => appendAll(dir, "process", count),
    },
    { name: "power", count: 100_000, floor: 50_000, run: (dir, count) => appendAll(dir, "power", count) },
    { name: "fs.appendFile, one line each", count: 10_000, run: appendLines },
  ];
  const rates = candidates.map((): number[] => []);
  for (let run = 0; run < RUNS; run++) {
    for (const [i, candidate] of candidates.entries()) {
      const dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-log-"));
      try {
        const start = performance.now();
        await candidate.run(dir, candidate.count);
        rates[i]!.push(candidate.count / ((performance.now() - start) / 1000));
      } finally {
        rmSync(dir, { recursive: true });
      }
    }
  }
  return candidates.map(({ name, floor }, i) => {
    const median = rates[i]!.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
    return { name, appendsPerSecond: Math.round(median), ...(floor !== undefined && { floor }) };
  });
}

async function appendAll(dir: string, durability: "process" | "power", count: number): Promise<void> {
  const log = await DurableLog.open({ dir, durability });
  for (let done = 0; done < count; done += BATCH) {
    const appends: Promise<number>[] = [];
    for (let i = 0; i < BATCH; i++) appends.push(log.append(PAYLOAD));
    await Promise.all(appends);
  }
  await log.close();
}

async function appendLines(dir: string, count: number): Promise<void> {
  const file = join(dir, "events.jsonl");
  for (let i = 0; i < count; i++) await appendFile(file, `${PAYLOAD}\n`);
}

if (import.meta.main) {
  const rows = await benchLog();
  const baseline = rows.at(-1)!.appendsPerSecond;
  for (const { name, appendsPerSecond, floor } of rows) {
    const ratio = `${(appendsPerSecond / baseline).toFixed(1)} x`;
    const asked =
      floor === undefined
        ? ""
        : `  asked for ${floor.toLocaleString("en")}: ${appendsPerSecond >= floor ? "met" : "MISSED"}`;
    console.log(
      `${name.padEnd(30)} ${appendsPerSecond.toLocaleString("en").padStart(10)} appends/s  ${ratio.padStart(8)}${asked}`,
    );
  }
}
