import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SandglassError } from "@sandglass/protocol";
import { field, GroupCounts } from "./cgroup-counts.ts";
import { type CgroupLayout, execHierarchies, hierarchies, makeGroup } from "./cgroup-layout.ts";
import { killGroup, removeGroup } from "./cgroup-removal.ts";
import { ExecCgroup } from "./exec-cgroup.ts";
import { SandboxCounts, type SandboxUsage } from "./sandbox-counts.ts";

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

/** The control groups of one sandbox: limits on the whole, a group for the agent, and one for each exec. */
export class SandboxCgroup {
  readonly #layout: CgroupLayout;
  /** Groups of ended execs whose children still ran: removed when those are gone. */
  readonly #busy = new Set<ExecCgroup>();
  readonly #groups = new Set<ExecCgroup>();
  readonly #path: string;
  readonly #mounts: string[];
  /** OOM kills in groups that are gone. */
  readonly #past = { oomKills: 0 };
  readonly #counts: SandboxCounts;
  readonly #agent: GroupCounts;

  /** `path` is relative to every hierarchy, e.g. "sandglass/1a2b/sbx_…". */
  constructor(layout: CgroupLayout, path: string) {
    this.#layout = layout;
    this.#path = path;
    this.#mounts = hierarchies(layout);
    makeGroup(layout, `${path}/agent`);
    this.#counts = new SandboxCounts(layout, path);
    this.#agent = new GroupCounts(layout, `${path}/agent`);
  }

  /** Directories whose `cgroup.procs` the sandbox's first process joins. */
  get agentDirs(): string[] {
    return this.#mounts.map((mount) => join(mount, this.#path, "agent"));
  }

  /** This host has no group that we may use: nothing is limited, counted or held apart by one. */
  get isEmpty(): boolean {
    return this.#mounts.length === 0;
  }

  /** Execs have groups that tell whose their processes are. */
  get hasExecGroups(): boolean {
    return execHierarchies(this.#layout).length > 0;
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
    for (const group of [...this.#busy]) group.tryRemove(); // one that stays busy is put back into the set
    const mounts = execHierarchies(this.#layout);
    for (const mount of mounts) mkdirSync(join(mount, this.#path, name));
    const sets = { groups: this.#groups, busy: this.#busy, past: this.#past };
    return new ExecCgroup(this.#layout, `${this.#path}/${name}`, mounts, sets);
  }

  /** OOM kills of the agent itself and of what it does for the host. */
  agentOomKills(): number {
    return this.#agent.oomKills();
  }

  /** Groups of execs that run, and of those that left processes behind; the newest first. */
  execGroups(): ExecCgroup[] {
    return [...this.#busy, ...this.#groups].reverse();
  }

  async freeze(isFrozen: boolean): Promise<void> {
    const { unified, freezer } = this.#layout;
    if (unified !== undefined) {
      const wanted = isFrozen ? 1 : 0;
      this.#write(unified, "cgroup.freeze", String(wanted));
      await this.#until(
        () => field(readFileSync(join(unified, this.#path, "cgroup.events"), "utf8"), "frozen") === wanted,
      );
    } else if (freezer !== undefined) {
      const wanted = isFrozen ? "FROZEN" : "THAWED";
      this.#write(freezer, "freezer.state", wanted);
      await this.#until(
        () => readFileSync(join(freezer, this.#path, "freezer.state"), "utf8").trim() === wanted,
      );
    } else {
      throw new SandglassError("UNSUPPORTED_ON_HOST", "a sandbox cannot be paused on this host", {
        hint: "that takes control groups; a daemon that is not root has them by Delegate=yes of systemd (docs/install.md)",
      });
    }
  }

  /** Resolves when its last process has left: a killed one holds its memory a moment longer than its parent waits. */
  async emptied(): Promise<void> {
    const { unified } = this.#layout;
    if (unified === undefined) return; // version 1 cannot say; its groups refuse to go until then
    const events = join(unified, this.#path, "cgroup.events");
    await this.#until(() => !existsSync(events) || field(readFileSync(events, "utf8"), "populated") === 0);
  }

  /** Throws where it is gone. */
  usage(): SandboxUsage {
    const usage = this.#counts.read();
    if (this.#layout.controllers.memory?.version !== 1) return usage;
    // Version 1 counts a kill in the group of the process alone, not in those above it.
    usage.oomKills += this.#past.oomKills + this.#agent.oomKills();
    for (const group of this.#groups) usage.oomKills += group.oomKills();
    return usage;
  }

  /** Kills whatever is in it. */
  kill(): void {
    killGroup(this.#layout, this.#path);
  }

  async remove(): Promise<void> {
    this.#counts.close();
    this.#agent.close();
    for (const group of this.#groups) group.close();
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
      if (tries > 2000)
        throw new Error("the kernel did not freeze, thaw or empty the sandbox's cgroup within two seconds");
      await delay(1);
    }
  }
}
