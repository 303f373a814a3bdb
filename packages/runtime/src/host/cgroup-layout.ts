import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

export type Controller = "memory" | "pids" | "cpu";

/** Where this host keeps its control groups: version 1, version 2, or both (hybrid: the controllers in 1, an empty 2 beside them). */
export interface CgroupLayout {
  /** Mount point of the version 2 hierarchy; used for freezing, killing and CPU time also where it has no controllers. */
  unified: string | undefined;
  /** Mount point of each controller and which version it is of; absent where the host has none that we may use. */
  controllers: Partial<Record<Controller, { mount: string; version: 1 | 2 }>>;
  /** Version 1 only, where there is no unified hierarchy. */
  freezer: string | undefined;
  cpuacct: string | undefined;
}

/** Whether groups below may have the controller. In a container whose root group has processes the kernel refuses (EBUSY). */
export function canDelegate(mount: string, name: Controller): boolean {
  if (!readFileSync(join(mount, "cgroup.controllers"), "utf8").trim().split(" ").includes(name)) return false;
  try {
    writeFileSync(join(mount, "cgroup.subtree_control"), `+${name}`);
    return true;
  } catch {
    return false; // the answer itself: doctor says that the limit is not enforced
  }
}

export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // the answer itself
  }
}

/** Reads `/proc/self/mountinfo`. A hierarchy that cannot be written is left out. */
export function detectCgroups(
  mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8"),
): CgroupLayout {
  const layout: CgroupLayout = {
    unified: undefined,
    controllers: {},
    freezer: undefined,
    cpuacct: undefined,
  };
  for (const line of mountinfo.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const mount = (left.split(" ")[4] ?? "").replaceAll("\\040", " ");
    const [type, , options = ""] = right.split(" ");
    if (type === "cgroup2" && isWritable(mount)) {
      layout.unified = mount;
      for (const name of ["memory", "pids", "cpu"] as const) {
        if (canDelegate(mount, name)) layout.controllers[name] = { mount, version: 2 };
      }
    }
    if (type !== "cgroup" || !isWritable(mount)) continue;
    const names = options.split(",");
    for (const name of ["memory", "pids", "cpu"] as const) {
      if (names.includes(name)) layout.controllers[name] = { mount, version: 1 };
    }
    if (names.includes("freezer")) layout.freezer = mount;
    if (names.includes("cpuacct")) layout.cpuacct = mount;
  }
  return layout;
}

/** Every hierarchy a sandbox's processes are put into. */
export function hierarchies(layout: CgroupLayout): string[] {
  const mounts = Object.values(layout.controllers).map((controller) => controller.mount);
  if (layout.unified !== undefined) mounts.push(layout.unified);
  else mounts.push(...[layout.freezer, layout.cpuacct].filter((mount) => mount !== undefined));
  return [...new Set(mounts)];
}

/** The hierarchies in which an exec has a group of its own: those that count its memory, its OOM kills and its CPU time. */
export function execHierarchies(layout: CgroupLayout): string[] {
  const memory = layout.controllers.memory?.mount;
  const cpu = layout.unified ?? layout.cpuacct;
  return [...new Set([memory, cpu].filter((mount) => mount !== undefined))];
}

/** Makes `path` (like "sandglass/1a2b") in every hierarchy, with the controllers handed down where version 2 wants it said. */
export function makeGroup(layout: CgroupLayout, path: string, mounts: string[] = hierarchies(layout)): void {
  for (const mount of mounts) {
    let at = mount;
    for (const part of path.split("/")) {
      if (mount === layout.unified) enableControllers(layout, at);
      at = join(at, part);
      if (!existsSync(at)) mkdirSync(at);
    }
  }
}

/**
 * What all sandboxes together weigh on each core, in parts of what one process of the host's does: a wall holds their time too. A
 * storm of processes in one sandbox wants every core until its limit stops it, up to 50 ms of each 100; at more weight than the daemon
 * it takes all that time first, and every exec beside it waits. Measured by `bench/neighbour.ts`. What nobody else wants is theirs.
 */
const WEIGHT_PER_CORE = 1 / 4;
/** What the kernel gives a process, and a group that nobody weighs. */
const ONE_PROCESS = { 1: 1024, 2: 100 };

/** Gives `path` and what is above it that weight; on version 2, where others are groups that weigh 100 in all, never more than they. */
export function weighGroup(layout: CgroupLayout, path: string, cores: number = availableParallelism()): void {
  const cpu = layout.controllers.cpu;
  if (cpu === undefined) return;
  const weight = Math.round(cores * WEIGHT_PER_CORE * ONE_PROCESS[cpu.version]);
  const [file, most] = cpu.version === 1 ? ["cpu.shares", 262_144] : ["cpu.weight", ONE_PROCESS[2]];
  let at = cpu.mount;
  for (const part of path.split("/")) {
    at = join(at, part);
    // An operator may have said that sandboxes have what is idle alone: then the kernel takes no weight.
    if (!isIdle(at)) writeFileSync(join(at, file), String(Math.min(most, Math.max(2, weight))));
  }
}

function isIdle(group: string): boolean {
  const path = join(group, "cpu.idle"); // not before Linux 5.15
  return existsSync(path) && readFileSync(path, "utf8").trim() === "1";
}

function enableControllers(layout: CgroupLayout, at: string): void {
  const wanted = (["memory", "pids", "cpu"] as const).filter(
    (name) => layout.controllers[name]?.version === 2,
  );
  if (wanted.length === 0) return;
  const file = join(at, "cgroup.subtree_control");
  const enabled = readFileSync(file, "utf8").trim().split(" ");
  const missing = wanted.filter((name) => !enabled.includes(name));
  if (missing.length > 0) writeFileSync(file, missing.map((name) => `+${name}`).join(" "));
}
