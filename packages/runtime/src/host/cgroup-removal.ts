import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CgroupLayout, hierarchies } from "./cgroup-layout.ts";

/** Why a group's directory may refuse to go, or is gone already. */
export function isBusyOrGone(error: unknown): boolean {
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
  await Promise.all(hierarchies(layout).map((mount) => removeTree(join(mount, path))));
}

async function removeTree(root: string): Promise<void> {
  for (const dir of subgroups(root)) {
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
