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
/** How many of a group's files are looked at before another has its turn. */
const A_TURN = 64;
/** Where the sockets listen that the sandbox's programs connect to. */
const LISTEN_ADDRESS = "127.0.0.1";

/**
 * Finds which group of processes holds each socket: the sandbox's own table of connections has the socket's number, and the
 * open files of the groups' processes say who has that. What the program claims is not asked. Groups take turns, so that one
 * with many files hides nobody's sockets but its own.
 *
 * @param pid any process in the sandbox's network namespace
 * @returns the names of the groups, undefined for a socket that none holds, or whose group has more files than are looked at
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
  for (const looks of byTurns(groups)) {
    for (const { group, link } of looks) {
      if (owners.size === wanted.size || left <= 0) break;
      left--;
      const inode = socketInode(link);
      if (inode !== undefined && wanted.has(inode) && !owners.has(inode)) owners.set(inode, group);
    }
    if (owners.size === wanted.size || left <= 0) break;
    if (performance.now() - sliceAt < SLICE_MS) continue;
    await delay(BETWEEN_MS, undefined, { ref: false });
    sliceAt = performance.now();
  }
  return inodes.map((inode) => (inode === undefined ? undefined : owners.get(inode)));
}

/** An open file of a group's. */
interface Look {
  readonly group: string;
  readonly link: string;
}

/** What each group has open, some of it at a time. */
function* byTurns(groups: Iterable<ProcessGroup>): Generator<Look[]> {
  let waiting = Array.from(groups, (group) => openFiles(group));
  while (waiting.length > 0) {
    const next: Generator<Look>[] = [];
    for (const files of waiting) {
      const turn: Look[] = [];
      let isOver = false;
      while (turn.length < A_TURN && !isOver) {
        const { value, done } = files.next();
        if (done === true) isOver = true;
        else turn.push(value);
      }
      yield turn;
      if (!isOver) next.push(files);
    }
    waiting = next;
  }
}

/** First of processes; then of threads, which may have tables of their own, or have outlived their process's first thread. */
function* openFiles(group: ProcessGroup): Generator<Look> {
  const { name } = group;
  const pids = group.pids();
  for (const pid of pids) yield* linksIn(name, `/proc/${pid}/fd`);
  for (const pid of pids) {
    for (const thread of list(`/proc/${pid}/task`)) {
      if (thread !== String(pid)) yield* linksIn(name, `/proc/${pid}/task/${thread}/fd`);
    }
  }
}

function* linksIn(group: string, folder: string): Generator<Look> {
  for (const descriptor of list(folder)) yield { group, link: `${folder}/${descriptor}` };
}

/**
 * The number of each socket; undefined where the sandbox has no such connection. The kernel looks through all the host's connections
 * for such a table, which takes milliseconds: never on the event loop, and the second only where the first has not all.
 */
async function inodesOf(pid: number, sockets: readonly ConnectingSocket[]): Promise<(string | undefined)[]> {
  const table = new Map<string, string>();
  const find = ({ address, port, listenPort }: ConnectingSocket): string | undefined =>
    table.get(`${address}:${port} ${LISTEN_ADDRESS}:${listenPort}`);
  for (const file of ["tcp", "tcp6"]) {
    for (const line of await linesOf(`/proc/${pid}/net/${file}`)) {
      const [, local = "", remote = "", , , , , , , inode = "0"] = line.trim().split(/\s+/);
      // Whatever its state: a program may have closed one direction. What nobody holds any more has no number.
      if (inode !== "0") table.set(`${endOf(local)} ${endOf(remote)}`, inode);
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
