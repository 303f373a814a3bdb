import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { DurableLog } from "../durable-log.ts";
import type { DurableLogOptions, LogProblem } from "../log-options.ts";
import type { LogItem } from "../log-reader.ts";

const releases = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs when the test ends, what was asked for last first (`t.after` alone runs the first first). */
export function onEnd(t: TestContext, release: () => unknown): void {
  const known = releases.get(t);
  if (known) {
    known.push(release);
    return;
  }
  const mine = [release];
  releases.set(t, mine);
  t.after(async () => {
    for (const next of mine.reverse()) await next();
  });
}

/** A directory that goes when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "sandglass-log-"));
  onEnd(t, () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A log that is closed when the test ends, with what it complained about. */
export async function openTestLog(
  t: TestContext,
  options: DurableLogOptions,
): Promise<{ log: DurableLog; problems: LogProblem[] }> {
  const problems: LogProblem[] = [];
  const log = await DurableLog.open({ onProblem: (problem) => problems.push(problem), ...options });
  onEnd(t, () => log.close());
  return { log, problems };
}

/** Appends `count` texts "<label> <position>", padded, one write each. */
export async function appendMany(
  log: DurableLog,
  count: number,
  label = "record",
  padding = 0,
): Promise<void> {
  for (let i = 0; i < count; i++) await log.append(textAt(log.nextPosition, label, padding));
}

export function textAt(position: number, label = "record", padding = 0): string {
  return `${label} ${position}${".".repeat(padding)}`;
}

/** What a reader was given, in short: positions as numbers, gaps as "from-to reason". */
export function summarize(items: readonly LogItem[]): (number | string)[] {
  return items.map((item) =>
    "gap" in item ? `${item.gap.from}-${item.gap.to} ${item.gap.reason}` : item.position,
  );
}

export async function readAll(log: DurableLog, from?: number): Promise<LogItem[]> {
  return collect(log.read(from === undefined ? {} : { from }));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export function segmentFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(".seg"))
    .sort()
    .map((name) => join(dir, name));
}

/** Numbers that look random and are the same in every run (mulberry32). */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
