import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SandboxUsage } from "./sandbox-counts.ts";

/** Of the kernel's clock in `/proc`: USER_HZ, the same on every Linux that Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;
/** What `stat` counts in. */
const BLOCK_BYTES = 512;
/** The file without a name in which gVisor's kernel has the memory of all that runs on it, mapped or not. */
const GUEST_MEMORY = "/memfd:runsc-memory";

/**
 * What a sandbox uses where no control group counts it, from `/proc`: its agent and all below it. A process's time goes to whoever waits for
 * it, so the sum of all with their waited-for children misses only what nobody waited for. Memory is what is resident and not shared, and all that a guest's kernel has for its processes.
 *
 * @param hasGuestKernel whether `agent` is what runs one
 * @throws where the agent is gone
 */
export function processCounts(agent: number, hasGuestKernel: boolean): SandboxUsage {
  const usage = { cpuMs: 0, throttledMs: 0, memoryBytes: 0, pids: 0, oomKills: 0 };
  const pids: number[] = [];
  add(agent, usage, pids);
  if (hasGuestKernel) usage.memoryBytes += guestMemory(pids);
  return usage;
}

function guestMemory(pids: readonly number[]): number {
  for (const pid of pids) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const path = join(`/proc/${pid}/fd`, fd);
        if (readlinkSync(path).startsWith(GUEST_MEMORY)) return statSync(path).blocks * BLOCK_BYTES;
      }
    } catch {
      // it has ended meanwhile, or closed what was looked at
    }
  }
  return 0; // it has only begun
}

function add(pid: number, usage: SandboxUsage, pids: number[]): void {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold anything, so numbers are counted from behind its end: state is the third field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const number = (field: number): number => Number(fields[field - 3]);
  usage.cpuMs += (number(14) + number(15) + number(16) + number(17)) * TICK_MS;
  pids.push(pid);
  usage.pids += number(20);
  const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
  usage.memoryBytes += (resident - shared) * PAGE_BYTES;
  // Each thread has children of its own.
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
      for (const child of children === "" ? [] : children.split(" ")) add(Number(child), usage, pids);
    } catch {
      // it has ended meanwhile; its time is counted with whoever waited for it
    }
  }
}
