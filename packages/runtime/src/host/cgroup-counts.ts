import { closeSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { CgroupLayout } from "./cgroup-layout.ts";

const BYTES = 4096;
const buffer = Buffer.allocUnsafe(BYTES);

/** A counter file of a cgroup, kept open: reading it again is one system call instead of four. */
export class CountFile {
  readonly #path: string;
  #fd = -1;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error where the group is gone, or this is closed: nobody would close it again */
  read(): string {
    const fd = this.#open("r");
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, BYTES, 0));
  }

  /**
   * For a file that was not read before: it counts anew from now on, for version 2 where it is read here alone.
   *
   * @returns false where the kernel does not do that, or not for this user
   * @throws Error as {@link read}
   */
  tryReset(): boolean {
    try {
      writeSync(this.#open("r+"), "0", 0);
      return true;
    } catch (error) {
      if (!["EACCES", "EBADF", "EINVAL"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      return false;
    }
  }

  #open(flags: "r" | "r+"): number {
    if (this.#isClosed) throw new Error(`${this.#path} is not counted any more`);
    if (this.#fd === -1) this.#fd = openSync(this.#path, flags);
    return this.#fd;
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.#isClosed = true;
  }
}

/** The number behind `name` in a file of `name number` lines; 0 where it is not there. */
export function field(text: string, name: string): number {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (at === 0 && !text.startsWith(`${name} `)) return 0;
  return Number.parseInt(text.slice(at + name.length + 1), 10);
}

/** What is counted for one group of processes. */
export interface GroupUsage {
  cpuMs: number;
  /** 0 where they were not asked for. */
  oomKills: number;
  memoryPeakBytes: number;
}

/** CPU time, OOM kills and memory peak of one group, whichever version counts them. To be closed. */
export class GroupCounts {
  readonly #cpu: { file: CountFile; toMs(text: string): number } | undefined;
  readonly #oom: CountFile | undefined;
  readonly #peak: CountFile | undefined;
  /** Version 2 alone: version 1 answers who reads it again with what it said a moment ago. */
  readonly #processes: CountFile | undefined;
  #canReset = true;

  constructor(layout: CgroupLayout, path: string) {
    const { unified, cpuacct, controllers } = layout;
    if (unified !== undefined) {
      const file = new CountFile(join(unified, path, "cpu.stat"));
      this.#cpu = { file, toMs: (text) => field(text, "usage_usec") / 1000 };
      this.#processes = new CountFile(join(unified, path, "cgroup.procs"));
    } else if (cpuacct !== undefined) {
      const file = new CountFile(join(cpuacct, path, "cpuacct.usage"));
      this.#cpu = { file, toMs: (text) => Number(text) / 1e6 };
    }
    if (controllers.memory === undefined) return;
    const { mount, version } = controllers.memory;
    this.#oom = new CountFile(join(mount, path, version === 2 ? "memory.events" : "memory.oom_control"));
    const peak = join(mount, path, version === 2 ? "memory.peak" : "memory.max_usage_in_bytes");
    if (existsSync(peak)) this.#peak = new CountFile(peak);
  }

  /** @param isFailure whether OOM kills are asked for */
  read(isFailure = true): GroupUsage {
    return {
      cpuMs: this.cpuMs(),
      oomKills: isFailure ? this.oomKills() : 0,
      memoryPeakBytes: Number(this.#peak?.read() ?? 0),
    };
  }

  /** The peak is one from here on: with version 1, and with version 2 since Linux 6.12. Else it stays that of all the group's life. */
  resetPeak(): void {
    if (this.#peak === undefined || !this.#canReset) return;
    this.#canReset = this.#peak.tryReset();
  }

  /** Whether more than one process is in it; undefined where that is not known here. */
  isShared(): boolean | undefined {
    return this.#processes === undefined ? undefined : this.#processes.read().split("\n", 3).length > 2;
  }

  cpuMs(): number {
    return this.#cpu?.toMs(this.#cpu.file.read()) ?? 0;
  }

  oomKills(): number {
    return this.#oom === undefined ? 0 : field(this.#oom.read(), "oom_kill");
  }

  close(): void {
    this.#cpu?.file.close();
    this.#oom?.close();
    this.#peak?.close();
    this.#processes?.close();
  }
}
