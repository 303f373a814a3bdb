import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CgroupLayout, execHierarchies, hierarchies, makeGroup } from "./cgroup-layout.ts";

/** What is counted for one group of processes. */
export interface GroupUsage {
  cpuMs: number;
  oomKills: number;
  memoryPeakBytes: number;
}

export interface GroupLimits {
  memoryMb: number;
  vcpu: number;
  maxPids: number;
}

const CPU_PERIOD_US = 100_000;

function readNumber(path: string): number {
  const text = readFileSync(path, "utf8").trim();
  return text === "max" ? Number.POSITIVE_INFINITY : Number(text);
}

function field(path: string, name: string): number {
  const match = new RegExp(`^${name} (\\d+)$`, "m").exec(readFileSync(path, "utf8"));
  return match === null ? 0 : Number(match[1]);
}

/** The control groups of one sandbox: limits on the whole, a group for the agent, and one for each exec. */
export class SandboxCgroup {
  readonly #layout: CgroupLayout;
  /** Groups of ended execs whose children still ran: removed when those are gone. */
  readonly #busy = new Set<ExecCgroup>();
  readonly #path: string;
  readonly #mounts: string[];

  /** `path` is relative to every hierarchy, e.g. "sandglass/1a2b/sbx_…". */
  constructor(layout: CgroupLayout, path: string) {
    this.#layout = layout;
    this.#path = path;
    this.#mounts = hierarchies(layout);
    makeGroup(layout, `${path}/agent`);
  }

  /** Directories whose `cgroup.procs` the sandbox's first process joins. */
  get agentDirs(): string[] {
    return this.#mounts.map((mount) => join(mount, this.#path, "agent"));
  }

  setLimits(limits: GroupLimits): void {
    const { memory, pids, cpu } = this.#layout.controllers;
    const bytes = String(limits.memoryMb * 1024 * 1024);
    if (memory?.version === 2) {
      this.#write(memory.mount, "memory.max", bytes);
      this.#writeIfThere(memory.mount, "memory.swap.max", "0");
    } else if (memory !== undefined) {
      this.#setMemoryV1(memory.mount, bytes);
    }
    if (pids !== undefined) this.#write(pids.mount, "pids.max", String(limits.maxPids));
    const quota = String(Math.max(1000, Math.round(limits.vcpu * CPU_PERIOD_US)));
    if (cpu?.version === 2) this.#write(cpu.mount, "cpu.max", `${quota} ${CPU_PERIOD_US}`);
    else if (cpu !== undefined) this.#write(cpu.mount, "cpu.cfs_quota_us", quota);
  }

  /** A group for one exec; the process is moved there before it becomes the program. */
  makeExec(name: string): ExecCgroup {
    for (const group of this.#busy) group.tryRemove();
    const mounts = execHierarchies(this.#layout);
    for (const mount of mounts) mkdirSync(join(mount, this.#path, name));
    return new ExecCgroup(this.#layout, `${this.#path}/${name}`, mounts, this.#busy);
  }

  async freeze(isFrozen: boolean): Promise<void> {
    const { unified, freezer } = this.#layout;
    if (unified !== undefined) {
      const wanted = isFrozen ? 1 : 0;
      this.#write(unified, "cgroup.freeze", String(wanted));
      await this.#until(() => field(join(unified, this.#path, "cgroup.events"), "frozen") === wanted);
    } else if (freezer !== undefined) {
      const wanted = isFrozen ? "FROZEN" : "THAWED";
      this.#write(freezer, "freezer.state", wanted);
      await this.#until(
        () => readFileSync(join(freezer, this.#path, "freezer.state"), "utf8").trim() === wanted,
      );
    } else {
      throw new Error("this host has no cgroup hierarchy that can freeze");
    }
  }

  usage(): { cpuMs: number; memoryBytes: number; pids: number } {
    const { memory, pids } = this.#layout.controllers;
    const memoryFile = memory?.version === 2 ? "memory.current" : "memory.usage_in_bytes";
    return {
      cpuMs: cpuMs(this.#layout, this.#path),
      memoryBytes: memory === undefined ? 0 : readNumber(join(memory.mount, this.#path, memoryFile)),
      pids: pids === undefined ? 0 : readNumber(join(pids.mount, this.#path, "pids.current")),
    };
  }

  /** Kills whatever is in it. */
  kill(): void {
    killGroup(this.#layout, this.#path);
  }

  async remove(): Promise<void> {
    await removeGroup(this.#layout, this.#path);
  }

  #write(mount: string, file: string, value: string): void {
    writeFileSync(join(mount, this.#path, file), value);
  }

  #writeIfThere(mount: string, file: string, value: string): void {
    if (existsSync(join(mount, this.#path, file))) this.#write(mount, file, value);
  }

  /** Version 1 refuses a memory limit above the one for memory and swap, and a swap limit below the memory's: the order depends on the direction. */
  #setMemoryV1(mount: string, bytes: string): void {
    const swap = "memory.memsw.limit_in_bytes";
    const grows = Number(bytes) > readNumber(join(mount, this.#path, "memory.limit_in_bytes"));
    if (grows) this.#writeIfThere(mount, swap, bytes);
    this.#write(mount, "memory.limit_in_bytes", bytes);
    if (!grows) this.#writeIfThere(mount, swap, bytes);
  }

  async #until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 2000) throw new Error("the kernel did not freeze or thaw the sandbox within two seconds");
      await delay(1);
    }
  }
}

/** The group of one exec: its own CPU time, memory peak and OOM kills. */
export class ExecCgroup {
  readonly #layout: CgroupLayout;
  readonly #busy: Set<ExecCgroup>;
  readonly #path: string;
  readonly #mounts: string[];

  constructor(layout: CgroupLayout, path: string, mounts: string[], busy: Set<ExecCgroup>) {
    this.#layout = layout;
    this.#path = path;
    this.#mounts = mounts;
    this.#busy = busy;
  }

  /** The kernel may take some 20 ms for the first move after a quiet time, so this is never done on the event loop. */
  async attach(hostPid: number): Promise<void> {
    for (const mount of this.#mounts)
      await writeFile(join(mount, this.#path, "cgroup.procs"), String(hostPid));
  }

  usage(): GroupUsage {
    const memory = this.#layout.controllers.memory;
    const at = memory === undefined ? "" : join(memory.mount, this.#path);
    const peak = memory?.version === 2 ? join(at, "memory.peak") : join(at, "memory.max_usage_in_bytes");
    return {
      cpuMs: cpuMs(this.#layout, this.#path),
      oomKills:
        memory === undefined
          ? 0
          : field(join(at, memory.version === 2 ? "memory.events" : "memory.oom_control"), "oom_kill"),
      memoryPeakBytes: memory !== undefined && existsSync(peak) ? readNumber(peak) : 0,
    };
  }

  kill(): void {
    killGroup(this.#layout, this.#path, this.#mounts);
  }

  /** What it started may still run: then it stays until that is gone, or the sandbox. */
  tryRemove(): void {
    this.#busy.delete(this);
    for (const mount of this.#mounts) {
      try {
        rmdirSync(join(mount, this.#path));
      } catch (error) {
        if (!isBusyOrGone(error)) throw error;
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#busy.add(this);
      }
    }
  }
}

function cpuMs(layout: CgroupLayout, path: string): number {
  if (layout.unified !== undefined) return field(join(layout.unified, path, "cpu.stat"), "usage_usec") / 1000;
  if (layout.cpuacct !== undefined) return readNumber(join(layout.cpuacct, path, "cpuacct.usage")) / 1e6;
  return 0;
}

function isBusyOrGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EBUSY" || code === "ENOENT" || code === "ENOTEMPTY";
}

/** SIGKILL to everything in the group and below it. */
export function killGroup(layout: CgroupLayout, path: string, mounts: string[] = hierarchies(layout)): void {
  const unified =
    layout.unified !== undefined && mounts.includes(layout.unified) ? join(layout.unified, path) : undefined;
  if (unified !== undefined && existsSync(join(unified, "cgroup.kill")))
    return writeFileSync(join(unified, "cgroup.kill"), "1");
  // Without cgroup.kill: until nothing is left, for what forks faster than one pass.
  const mount = mounts[0];
  for (let pass = 0; mount !== undefined && pass < 100 && killOnce(join(mount, path)) > 0; pass++);
}

function killOnce(root: string): number {
  let killed = 0;
  for (const dir of subgroups(root)) {
    for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").trim().split("\n")) {
      if (pid === "" || pid === "0") continue;
      killed++;
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  }
  return killed;
}

/** A group and all below it, deepest first. */
function subgroups(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => subgroups(join(dir, entry.name))), dir];
}

/** Removes a group in every hierarchy once its processes have gone; gives up with an error after five seconds. */
export async function removeGroup(layout: CgroupLayout, path: string): Promise<void> {
  for (const mount of hierarchies(layout)) {
    for (const dir of subgroups(join(mount, path))) {
      for (let tries = 0; ; tries++) {
        try {
          await rmdir(dir);
          break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "ENOENT") break;
          if (!isBusyOrGone(error) || tries > 500) throw error;
          await delay(10);
        }
      }
    }
  }
}
