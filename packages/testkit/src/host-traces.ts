import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";

/** What one sandbox has on the host at a moment. */
export interface HostTraces {
  pids: number[];
  cgroups: string[];
  mounts: string[];
  /** Loop devices whose file is one of the sandbox's. */
  loops: string[];
  /** Below the data directory, kept output aside. */
  files: string[];
}

/**
 * Looks for everything on the host that bears a sandbox's id.
 *
 * @param dataDir of the runtime that made it; mounts below it count whosever they are
 */
export function hostTraces(dataDir: string, sandboxId: string): HostTraces {
  return {
    pids: sandboxPids(sandboxId),
    cgroups: cgroupMounts().flatMap((mount) => directoriesNamed(join(mount, "sandglass"), sandboxId)),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(dataDir) || line.includes(sandboxId)),
    loops: readdirSync("/sys/block")
      .filter((name) => name.startsWith("loop"))
      .filter((name) => readIfThere(`/sys/block/${name}/loop/backing_file`).includes(sandboxId)),
    files: filesNaming(dataDir, sandboxId),
  };
}

/** The host's pids of everything in a sandbox, its outermost process included. */
export function sandboxPids(sandboxId: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && readIfThere(`/proc/${name}/cgroup`).includes(sandboxId))
    .map(Number);
}

/** As {@link sandboxPids}, without the dead that wait for their parent, and the dying, whose memory is gone: they run no more code. */
export function livingPids(sandboxId: string): number[] {
  return sandboxPids(sandboxId).filter((pid) => /^VmSize:/m.test(readIfThere(`/proc/${pid}/status`)));
}

/** Waits until nothing on the host bears the id: the kernel frees mounts and devices some moments behind the last process. */
export async function noTraces(dataDir: string, sandboxId: string): Promise<void> {
  let left: HostTraces | undefined;
  try {
    await until("nothing is left", () => {
      left = hostTraces(dataDir, sandboxId);
      return Object.values(left).every((traces) => traces.length === 0);
    });
  } catch (error) {
    throw new Error(`sandbox ${sandboxId} left ${JSON.stringify(left)}`, { cause: error });
  }
}

/** Pids in a sandbox by the name that the kernel shows for them, e.g. "sleep". */
export function sandboxPidsNamed(sandboxId: string, name: string): number[] {
  return sandboxPids(sandboxId).filter((pid) => readIfThere(`/proc/${pid}/comm`).trim() === name);
}

/** The agent: process 1 inside. */
export function agentPid(sandboxId: string): number {
  const found = sandboxPids(sandboxId).find((pid) =>
    /^NSpid:\s+\d+\s+1$/m.test(readIfThere(`/proc/${pid}/status`)),
  );
  if (found === undefined) throw new Error(`sandbox ${sandboxId} has no agent`);
  return found;
}

/** A sandbox's outermost process, bubblewrap or crun: the one whose parent is not in the sandbox. */
export function outermostPid(sandboxId: string): number {
  const pids = sandboxPids(sandboxId);
  const found = pids.find((pid) => !pids.includes(parentPid(pid)));
  if (found === undefined) throw new Error(`no process of sandbox ${sandboxId} has a parent outside`);
  return found;
}

/** The minder: its parent. */
export function minderPid(sandboxId: string): number {
  return parentPid(outermostPid(sandboxId));
}

/** The parent of a process; of a minder, as long as that runs, the helper. */
export function parentPid(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** The native helper that a daemon has now; undefined between one and the next. */
export function helperPid(daemonPid: number): number | undefined {
  return childPids(daemonPid).find((pid) => readIfThere(`/proc/${pid}/comm`).trim() === "helper");
}

/** Those a process has now. */
export function childPids(pid: number): number[] {
  const text = readIfThere(`/proc/${pid}/task/${pid}/children`).trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

function cgroupMounts(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const at = (line: string): string => line.split(" ")[4] ?? "";
  const unified = lines.find((line) => line.includes(" - cgroup2 "));
  // What an ordinary user's daemon was given begins where that daemon is: one group up from its own.
  const own = /^0::(.+)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  const given = unified === undefined || own === "/" ? [] : [join(at(unified), own, "..")];
  return [...lines.filter((line) => / - cgroup2? /.test(line)).map(at), ...given];
}

function directoriesNamed(dir: string, name: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .map((entry) => join(dir, entry, name))
    .filter((path) => existsSync(path));
}

function filesNaming(dataDir: string, sandboxId: string): string[] {
  while (existsSync(dataDir)) {
    try {
      return readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter(
        (path) => path.includes(sandboxId) && !path.startsWith("output"),
      );
    } catch (error) {
      // A directory was removed while one looked: look again.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return [];
}

/** Processes and devices go while one looks. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "ENXIO", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return "";
    throw error;
  }
}
