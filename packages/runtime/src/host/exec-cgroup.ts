import { readFileSync, rmdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { GroupCounts, type GroupUsage } from "./cgroup-counts.ts";
import type { CgroupLayout } from "./cgroup-layout.ts";
import { isBusyOrGone, killGroup } from "./cgroup-removal.ts";

/** The group of one exec, or of an interpreter and its cells: its own CPU time, memory peak and OOM kills. */
export class ExecCgroup {
  readonly #layout: CgroupLayout;
  readonly #path: string;
  readonly #mounts: string[];
  readonly #groups: Set<ExecCgroup>;
  readonly #busy: Set<ExecCgroup>;
  readonly #past: { oomKills: number };
  #counts: GroupCounts | undefined;
  /** As it was counted when the exec in it began that is the last. */
  #before = { cpuMs: 0, oomKills: 0 };
  hadOthers = false;

  /** `groups` has all of a sandbox, `busy` those that ended and cannot be removed yet, `past` what those were that ended. */
  constructor(
    layout: CgroupLayout,
    path: string,
    mounts: string[],
    { groups, busy, past }: { groups: Set<ExecCgroup>; busy: Set<ExecCgroup>; past: { oomKills: number } },
  ) {
    this.#layout = layout;
    this.#path = path;
    this.#mounts = mounts;
    this.#groups = groups;
    this.#busy = busy;
    this.#past = past;
    groups.add(this);
  }

  /** As it was made: unique in its sandbox. */
  get name(): string {
    return basename(this.#path);
  }

  /** Its processes, by their pids on the host; none where it is gone. */
  pids(): number[] {
    const [mount] = this.#mounts;
    if (mount === undefined) return [];
    try {
      const text = readFileSync(join(mount, this.#path, "cgroup.procs"), "utf8").trim();
      return text === "" ? [] : text.split("\n").map(Number);
    } catch (error) {
      // Opened, and gone before it was read.
      const isGone = isBusyOrGone(error) || (error as NodeJS.ErrnoException).code === "ENODEV";
      if (!isGone) throw error;
      return [];
    }
  }

  /** The kernel may take some 20 ms for the first move after a quiet time, so this is never done on the event loop. */
  async attach(hostPid: number): Promise<void> {
    for (const mount of this.#mounts)
      await writeFile(join(mount, this.#path, "cgroup.procs"), String(hostPid));
  }

  begin(): void {} // nothing but the waiting runner was ever in it

  beginNext(): void {
    const counts = this.#counting();
    this.#before = { cpuMs: counts.cpuMs(), oomKills: counts.oomKills() };
    counts.resetPeak();
    this.hadOthers = counts.isShared() ?? this.pids().length > 1;
  }

  usage(isFailure = true): GroupUsage {
    const { cpuMs, oomKills, memoryPeakBytes } = this.#counting().read(isFailure);
    return {
      cpuMs: Math.max(0, cpuMs - this.#before.cpuMs),
      oomKills: isFailure ? oomKills - this.#before.oomKills : 0,
      memoryPeakBytes,
    };
  }

  /** Since it was made. */
  oomKills(): number {
    return this.#counting().oomKills();
  }

  #counting(): GroupCounts {
    this.#counts ??= new GroupCounts(this.#layout, this.#path);
    return this.#counts;
  }

  kill(): void {
    killGroup(this.#layout, this.#path, this.#mounts);
  }

  /** Lets go of what reading it keeps open. */
  close(): void {
    this.#counts?.close();
    this.#counts = undefined;
  }

  /** What it started may still run: then it stays until that is gone, or the sandbox. */
  tryRemove(): void {
    // Read once before, as of every exec that had an ending: else there is nothing that its sandbox would count of it.
    if (this.#counts !== undefined) this.#past.oomKills += this.#counts.oomKills();
    this.close();
    this.#groups.delete(this);
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
