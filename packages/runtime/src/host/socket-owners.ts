import { readdirSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** The program's end of a TCP connection inside a sandbox, as the other end sees it. */
export interface ConnectingSocket {
  readonly address: string;
  readonly port: number;
  /** Where it connected to. */
  readonly listenPort: number;
}

/** Processes that belong together, as an exec's do. */
export interface ProcessGroup {
  readonly name: string;
  /** By their pids on the host. */
  pids(): number[];
}

/** How long the event loop is held at most, and how much is looked at in all: code inside decides how many processes and files there are. */
const SLICE_MS = 2;
const BETWEEN_MS = 8;
const MAX_LINKS = 20_000;
/** The kernel's number of the state, in `/proc/net/tcp`. */
const ESTABLISHED = "01";
/** The program has closed its end; it may still hold it. */
const CLOSE_WAIT = "08";

/**
 * Finds which group of processes holds each socket: the sandbox's own table of connections has the socket's number, and the
 * open files of the groups' processes say who has that. What the program claims is not asked.
 *
 * @param pid any process in the sandbox's network namespace
 * @param groups looked through in this order
 * @returns the names of the groups, undefined for a socket that none holds
 */
export async function socketOwners(
  pid: number,
  groups: Iterable<ProcessGroup>,
  sockets: readonly ConnectingSocket[],
): Promise<(string | undefined)[]> {
  const inodes = await inodesOf(pid, sockets);
  const wanted = new Set(inodes.filter((inode) => inode !== undefined));
  const owners = new Map<string, string>();
  let sliceAt = performance.now();
  let left = MAX_LINKS;
  for (const path of descriptorTables(groups)) {
    if (owners.size === wanted.size || left <= 0) break;
    for (const descriptor of list(path.fds)) {
      left--;
      const inode = socketInode(`${path.fds}/${descriptor}`);
      if (inode !== undefined && wanted.has(inode) && !owners.has(inode)) owners.set(inode, path.group);
      if (owners.size === wanted.size || left <= 0) break;
    }
    if (performance.now() - sliceAt < SLICE_MS) continue;
    await delay(BETWEEN_MS, undefined, { ref: false });
    sliceAt = performance.now();
  }
  return inodes.map((inode) => (inode === undefined ? undefined : owners.get(inode)));
}

/** First of processes; then of threads, which may have tables of their own, or have outlived their process's first thread. */
function* descriptorTables(groups: Iterable<ProcessGroup>): Generator<{ group: string; fds: string }> {
  const all = Array.from(groups, (group) => ({ name: group.name, pids: group.pids() }));
  for (const { name, pids } of all) for (const pid of pids) yield { group: name, fds: `/proc/${pid}/fd` };
  for (const { name, pids } of all) {
    for (const pid of pids) {
      for (const thread of list(`/proc/${pid}/task`)) {
        if (thread !== String(pid)) yield { group: name, fds: `/proc/${pid}/task/${thread}/fd` };
      }
    }
  }
}

/**
 * The number of each socket; undefined where the sandbox has no such connection. The kernel looks through all the host's connections
 * for such a table, which takes milliseconds: never on the event loop, and the second only where the first has not all.
 */
async function inodesOf(pid: number, sockets: readonly ConnectingSocket[]): Promise<(string | undefined)[]> {
  const table = new Map<string, string>();
  const find = ({ address, port, listenPort }: ConnectingSocket): string | undefined =>
    table.get(`${address}:${port} ${listenPort}`);
  for (const file of ["tcp", "tcp6"]) {
    for (const line of await linesOf(`/proc/${pid}/net/${file}`)) {
      const [, local = "", remote = "", state = "", , , , , , inode = "0"] = line.trim().split(/\s+/);
      if (inode === "0" || (state !== ESTABLISHED && state !== CLOSE_WAIT)) continue;
      table.set(`${endOf(local)} ${endOf(remote).split(":")[1]}`, inode);
    }
    if (sockets.every((socket) => find(socket) !== undefined)) break;
  }
  return sockets.map(find);
}

/** `0100007F:9C40` → `127.0.0.1:40000`. Only IPv4, also inside IPv6: sockets listen on 127.0.0.1. */
function endOf(hex: string): string {
  const [address = "", port = ""] = hex.split(":");
  // Words of the kernel's own byte order, which is little-endian wherever this runs.
  const word = address.slice(-8);
  const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16));
  return `${bytes.join(".")}:${Number.parseInt(port, 16)}`;
}

function socketInode(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
  } catch (error) {
    return ifGone(error, undefined);
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    return ifGone(error, []);
  }
}

async function linesOf(path: string): Promise<string[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").slice(1);
  } catch (error) {
    return ifGone(error, []);
  }
}

/** Processes come and go while they are looked at. */
function ifGone<T>(error: unknown, instead: T): T {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (["ENOENT", "ESRCH", "EACCES", "EINVAL"].includes(code)) return instead;
  throw error;
}
