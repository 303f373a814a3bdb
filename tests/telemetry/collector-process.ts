import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const SAMPLE_MS = 20;

/** The collector of a daemon. @throws Error where it has none, or several */
export function collectorPid(daemonPid: number): number {
  const pids = collectorsOf(daemonPid);
  if (pids.length !== 1) throw new Error(`the daemon has ${pids.length} collectors`);
  return pids[0]!;
}

/** Undefined while it has none. */
export function findCollectorPid(daemonPid: number): number | undefined {
  return collectorsOf(daemonPid)[0];
}

function collectorsOf(daemonPid: number): number[] {
  return childrenOf(daemonPid).filter((pid) =>
    readIfThere(`/proc/${pid}/cmdline`).includes("sandglass-collector"),
  );
}

export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const stat = readIfThere(`/proc/${name}/stat`);
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
    })
    .map(Number);
}

/** Resident memory in bytes; 0 where the process has gone. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** The most memory that a process takes while `work` goes on. */
export async function peakBytes(pid: number, work: Promise<unknown>): Promise<number> {
  const ending = new AbortController();
  void work.catch(() => undefined).finally(() => ending.abort());
  for (let peak = 0; ; ) {
    peak = Math.max(peak, residentBytes(pid));
    if (ending.signal.aborted) return peak;
    await delay(SAMPLE_MS, undefined, { signal: ending.signal }).catch(() => undefined);
  }
}

/** Processes end while one looks. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
