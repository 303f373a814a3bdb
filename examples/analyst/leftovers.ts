import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What a daemon that has ended left behind. */
export interface Leftovers {
  /** Pids. */
  processes: number[];
  /** Mount points below its data directory. */
  mounts: string[];
  /** Loop devices that still hold a disk of one of its sandboxes. */
  loopDevices: string[];
}

/** Pid and start time: a pid alone may be another process by now. */
export type ProcessTree = ReadonlyMap<number, string>;

/** The kernel takes killed processes apart behind the back of whoever killed them. */
const SETTLE_MS = 3_000;
const POLL_MS = 50;

/** A process and everything below it. */
export function processTree(root: number): ProcessTree {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((process) => process !== undefined);
  const children = Map.groupBy(all, ({ parent }) => parent);
  const tree = new Map<number, string>();
  const add = (pid: number): void => {
    for (const child of children.get(pid) ?? []) add(child.pid);
    const own = statOf(pid);
    if (own !== undefined) tree.set(pid, own.startedAt);
  };
  add(root);
  return tree;
}

/** What is still there of these processes and this data directory, once it has had time to go. */
export async function leftovers(tree: ProcessTree, dataDir: string): Promise<Leftovers> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const left = {
      processes: running(tree),
      mounts: mountsBelow(dataDir),
      loopDevices: loopDevicesOf(dataDir),
    };
    const isClean = Object.values(left).every((list) => list.length === 0);
    if (isClean || performance.now() > deadline) return left;
    await sleep(POLL_MS);
  }
}

function running(tree: ProcessTree): number[] {
  return [...tree].filter(([pid, startedAt]) => statOf(pid)?.startedAt === startedAt).map(([pid]) => pid);
}

function mountsBelow(directory: string): string[] {
  const points = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return points.filter((point) => point.startsWith(`${directory}/`));
}

function loopDevicesOf(directory: string): string[] {
  const path = "/sys/block";
  if (!existsSync(path)) return [];
  return readdirSync(path).filter((name) => {
    const file = textOf(`${path}/${name}/loop/backing_file`);
    return file?.startsWith(`${directory}/`);
  });
}

/** Fields of `/proc/<pid>/stat` (proc(5)); undefined where there is no such process, or only its exit code is left. */
function statOf(pid: number): { pid: number; parent: number; startedAt: string } | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in parentheses may hold anything; what follows begins with the state.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), startedAt: fields[19] ?? "" };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch {
    return undefined; // gone between the listing and the look
  }
}
