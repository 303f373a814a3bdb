import { join } from "node:path";
import { CountFile, field } from "./cgroup-counts.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";

/** What the kernel has counted for all processes of a sandbox. What this host does not count is 0. */
export interface SandboxUsage {
  cpuMs: number;
  /** How long processes were held back by the CPU limit, summed over processors. */
  throttledMs: number;
  /** With the page cache. */
  memoryBytes: number;
  pids: number;
  oomKills: number;
}

/** A number of the kernel's, and how it is written. */
class Count {
  readonly #file: CountFile;
  readonly #parse: (text: string) => number;

  constructor(path: string, parse: (text: string) => number = Number) {
    this.#file = new CountFile(path);
    this.#parse = parse;
  }

  read(): number {
    return this.#parse(this.#file.read());
  }

  close(): void {
    this.#file.close();
  }
}

/** The counters of one sandbox's group, kept open from the first reading on. To be closed. */
export class SandboxCounts {
  readonly #cpu: Count | undefined;
  readonly #throttled: Count | undefined;
  readonly #memory: Count | undefined;
  readonly #oom: Count | undefined;
  readonly #pids: Count | undefined;

  constructor(layout: CgroupLayout, path: string) {
    const { unified, cpuacct, controllers } = layout;
    const { cpu, memory, pids } = controllers;
    const at = (mount: string, name: string): string => join(mount, path, name);
    if (unified !== undefined) {
      this.#cpu = new Count(at(unified, "cpu.stat"), (text) => field(text, "usage_usec") / 1000);
    } else if (cpuacct !== undefined) {
      this.#cpu = new Count(at(cpuacct, "cpuacct.usage"), (text) => Number(text) / 1e6);
    }
    if (cpu !== undefined) {
      this.#throttled = new Count(
        at(cpu.mount, "cpu.stat"),
        cpu.version === 2
          ? (text) => field(text, "throttled_usec") / 1000
          : (text) => field(text, "throttled_time") / 1e6,
      );
    }
    if (memory !== undefined) {
      const isTwo = memory.version === 2;
      this.#memory = new Count(at(memory.mount, isTwo ? "memory.current" : "memory.usage_in_bytes"));
      const events = at(memory.mount, isTwo ? "memory.events" : "memory.oom_control");
      this.#oom = new Count(events, (text) => field(text, "oom_kill"));
    }
    if (pids !== undefined) this.#pids = new Count(at(pids.mount, "pids.current"));
  }

  /** Throws where the group is gone. */
  read(): SandboxUsage {
    return {
      cpuMs: this.#cpu?.read() ?? 0,
      throttledMs: this.#throttled?.read() ?? 0,
      memoryBytes: this.#memory?.read() ?? 0,
      pids: this.#pids?.read() ?? 0,
      oomKills: this.#oom?.read() ?? 0,
    };
  }

  close(): void {
    for (const count of [this.#cpu, this.#throttled, this.#memory, this.#oom, this.#pids]) count?.close();
  }
}
