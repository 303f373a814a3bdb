import { readdirSync, readFileSync } from "node:fs";
import type { SandboxUsage } from "./sandbox-counts.ts";

/** Of the kernel's clock in `/proc`: USER_HZ, the same on every Linux that Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/**
 * What a sandbox uses where no control group counts it, from `/proc`: its agent and all below it. A process's time goes to whoever waits for
 * it, so the sum of all with their waited-for children misses only what nobody waited for. Memory is what is resident and not shared.
 *
 * @throws where the agent is gone
 */
export function processCounts(agent: number): SandboxUsage {
  const usage = { cpuMs: 0, throttledMs: 0, memoryBytes: 0, pids: 0, oomKills: 0 };
  add(agent, usage);
  return usage;
}

function add(pid: number, usage: SandboxUsage): void {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold anything, so numbers are counted from behind its end: state is the third field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const number = (field: number): number => Number(fields[field - 3]);
  usage.cpuMs += (number(14) + number(15) + number(16) + number(17)) * TICK_MS;
  usage.pids += number(20);
  const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
  usage.memoryBytes += (resident - shared) * PAGE_BYTES;
  // Each thread has children of its own.
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
      for (const child of children === "" ? [] : children.split(" ")) add(Number(child), usage);
    } catch {
      // it has ended meanwhile; its time is counted with whoever waited for it
    }
  }
}
