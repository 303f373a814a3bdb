import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { release } from "node:os";
import { promisify } from "node:util";
import type { Check, UnenforcedLimit } from "@sandglass/protocol";
import { NATIVE } from "../native.ts";
import { type CgroupLayout, detectCgroups } from "./cgroup-layout.ts";
import { DELEGATE, promisesCheck } from "./lost-promises.ts";

const run = promisify(execFile);

function notDelegated(name: string): string {
  return `the daemon is not root and was not given the ${name} cgroup controller: ${DELEGATE}`;
}

/**
 * Limits that this host cannot enforce, and why.
 *
 * @param isUser the daemon is not root: it holds processes by a limit of the kernel's on users, and disks by their size in memory
 */
export function unenforcedLimits(layout: CgroupLayout, isUser = false): UnenforcedLimit[] {
  const missing: UnenforcedLimit[] = [];
  const { memory, cpu, pids } = layout.controllers;
  if (isUser) {
    if (memory === undefined) missing.push({ limit: "memoryMb", reason: notDelegated("memory") });
    if (cpu === undefined) missing.push({ limit: "vcpu", reason: notDelegated("cpu") });
    return missing;
  }
  if (memory === undefined)
    missing.push({ limit: "memoryMb", reason: "this host offers no memory cgroup controller" });
  if (cpu === undefined) missing.push({ limit: "vcpu", reason: "this host offers no cpu cgroup controller" });
  if (pids === undefined)
    missing.push({ limit: "maxPids", reason: "this host offers no pids cgroup controller" });
  if (!existsSync("/dev/loop-control"))
    missing.push({ limit: "diskMb", reason: "this host offers no loop devices" });
  return missing;
}

async function version(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: 5000 });
    return (stdout || stderr).split("\n")[0]?.trim();
  } catch {
    return undefined; // not there, or not runnable: the check says so
  }
}

function describe(layout: CgroupLayout): string {
  const versions = Object.entries(layout.controllers).map(([name, { version: v }]) => `${name} v${v}`);
  const freeze =
    layout.unified !== undefined
      ? "freeze and kill v2"
      : layout.freezer !== undefined
        ? "freeze v1"
        : "no freezer";
  return [...versions, freeze].join(", ");
}

async function programCheck(name: string, program: string, args: string[], hint: string): Promise<Check> {
  const found = await version(program, args);
  return found === undefined
    ? { name, status: "error", detail: `${program} cannot be run`, hint }
    : { name, status: "ok", detail: found };
}

/** Overlays over id-mapped mounts, which give a sandbox its own view of `/usr`, came with Linux 5.19. */
function kernelCheck(): Check {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const isNew = major > 5 || (major === 5 && minor >= 19);
  return isNew
    ? { name: "kernel", status: "ok", detail: `Linux ${release()}` }
    : { name: "kernel", status: "error", detail: `Linux ${release()}`, hint: "5.19 or newer is needed" };
}

/** A fork is a copy of a disk, taken while the sandbox's processes stand still. */
function forkCheck(layout: CgroupLayout, isUser: boolean): Check {
  const missing = isUser
    ? "the daemon is not root, so that sandboxes have no disks that could be copied"
    : !existsSync("/dev/loop-control")
      ? "this host offers no loop devices, so that sandboxes have no disks of their own"
      : layout.unified === undefined && layout.freezer === undefined
        ? "this host offers no cgroup freezer"
        : undefined;
  if (missing === undefined)
    return { name: "forks", status: "ok", detail: "sandboxes can be forked, compared and merged" };
  const detail = `sandboxes cannot be forked, compared or merged: ${missing}`;
  return { name: "forks", status: "warn", detail, hint: "docs/forks.md" };
}

/** What a daemon that is not root has, and lacks for good. */
function userChecks({ ids, reason }: SubordinateIds): Check[] {
  const uid = process.getuid?.();
  const lost = "in sandboxes /usr is read-only, and their disks are in memory (docs/install.md)";
  const users: Check =
    ids > 0
      ? { name: "users", status: "ok", detail: `each sandbox is a user of its own, of ${ids}` }
      : {
          name: "users",
          status: "warn",
          detail: "to the host all sandboxes are the daemon's user",
          ...(reason !== undefined && { hint: reason }),
        };
  return [{ name: "privileges", status: "ok", detail: `uid ${uid}, not root: ${lost}` }, users];
}

/** Ids that the administrator gave the daemon's user, and why there are none. */
export interface SubordinateIds {
  ids: number;
  reason?: string;
}

/**
 * What of this host matters to isolation, with the remedy where something is missing. Needs no daemon.
 *
 * @param layout as the daemon uses it; by default what there is for root to use
 * @param user where the daemon is not root
 */
export async function hostChecks(layout = detectCgroups(), user?: SubordinateIds): Promise<Check[]> {
  const checks: Check[] = [
    ...(user === undefined
      ? [
          {
            name: "privileges",
            status: "ok",
            detail: "root; sandboxes run under uid ranges of their own",
          } as const,
        ]
      : userChecks(user)),
    kernelCheck(),
    existsSync(NATIVE.helper) && existsSync(NATIVE.agent)
      ? { name: "native programs", status: "ok", detail: "helper and agent are built" }
      : {
          name: "native programs",
          status: "error",
          detail: "helper and agent are not built",
          hint: "make setup",
        },
    await programCheck("bubblewrap", "/usr/bin/bwrap", ["--version"], "apt-get install bubblewrap"),
    ...(user === undefined
      ? [await programCheck("mkfs.ext4", "/sbin/mkfs.ext4", ["-V"], "apt-get install e2fsprogs")]
      : []),
    {
      name: "cgroups",
      status: Object.keys(layout.controllers).length === 3 ? "ok" : "warn",
      detail: describe(layout),
      ...(user !== undefined && layout.unified === undefined && { hint: DELEGATE }),
    },
    forkCheck(layout, user !== undefined),
    promisesCheck(layout, user),
    await programCheck("python template", "/usr/bin/python3", ["--version"], "apt-get install python3"),
    await programCheck("bash template", "/bin/bash", ["--version"], "apt-get install bash"),
  ];
  for (const { limit, reason } of unenforcedLimits(layout, user !== undefined)) {
    checks.push({ name: `limit ${limit}`, status: "warn", detail: `not enforced: ${reason}` });
  }
  return checks;
}
