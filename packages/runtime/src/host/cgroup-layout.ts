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
 * In version 1 all groups together compete with every single process outside at the weight of one process. Gives `path` and what
 * is above it the weight of as many processes as there are cores, so that a busy host does not starve its sandboxes.
 */
export function weighGroup(layout: CgroupLayout, path: string): void {
  const cpu = layout.controllers.cpu;
  if (cpu?.version !== 1) return;
  const shares = String(Math.min(262_144, 2 * 1024 * availableParallelism()));
  let at = cpu.mount;
  for (const part of path.split("/")) {
    at = join(at, part);
    writeFileSync(join(at, "cpu.shares"), shares);
  }
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
