import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type CgroupLayout, canDelegate, isWritable } from "./cgroup-layout.ts";

/** The daemon's own processes, beside its sandboxes: version 2 hands controllers down only from a group that has no processes. */
const OWN_GROUP = "sandglass-daemon";

/**
 * The control groups of a daemon that is not root: the version 2 group that it was started in, where that was given to its user
 * (systemd's `Delegate=yes`, or a directory of the user's). The daemon moves to a group of its own in it.
 *
 * @param sources what the kernel says of this process; given by tests
 * @returns a layout without anything where there is none
 */
export function delegatedCgroup(
  sources = {
    mountinfo: readFileSync("/proc/self/mountinfo", "utf8"),
    cgroup: readFileSync("/proc/self/cgroup", "utf8"),
  },
): CgroupLayout {
  const layout: CgroupLayout = {
    unified: undefined,
    controllers: {},
    freezer: undefined,
    cpuacct: undefined,
  };
  const group = /^0::(.*)$/m.exec(sources.cgroup)?.[1];
  const mount = sources.mountinfo
    .split("\n")
    .find((line) => line.includes(" - cgroup2 "))
    ?.split(" ")[4];
  if (group === undefined || mount === undefined) return layout;
  const started = join(mount, group);
  const dir = basename(started) === OWN_GROUP ? dirname(started) : started;
  if (!existsSync(dir) || !isWritable(dir) || !isWritable(join(dir, "cgroup.procs"))) return layout;
  moveTo(dir, join(dir, OWN_GROUP));
  layout.unified = dir;
  for (const name of ["memory", "pids", "cpu"] as const)
    if (canDelegate(dir, name)) layout.controllers[name] = { mount: dir, version: 2 };
  return layout;
}

function moveTo(from: string, to: string): void {
  if (!existsSync(to)) mkdirSync(to);
  for (const pid of readFileSync(join(from, "cgroup.procs"), "utf8").trim().split("\n")) {
    if (pid === "") continue;
    try {
      writeFileSync(join(to, "cgroup.procs"), pid);
    } catch (error) {
      // It has ended, or is not ours to move: then the kernel refuses the controllers, and doctor says which limits are missing.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ESRCH" && code !== "EACCES" && code !== "EPERM") throw error;
    }
  }
}
