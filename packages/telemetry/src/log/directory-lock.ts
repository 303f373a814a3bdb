import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SandglassError } from "@sandglass/protocol";

/** Who holds a lock. A pid alone is not enough: it is used again after its process is gone. */
interface LockOwner {
  pid: number;
  /** Clock ticks between boot and the process's start: field 22 of /proc/<pid>/stat. */
  startTime: string;
  bootId: string;
}

/**
 * Sees to it that one process has a directory, and that the lock of one that died is taken over.
 *
 * The lock is a file `<dir>/lock/<n>`: the highest n that its owner neither released nor left by dying is the lock. Each
 * taking makes the file n + 1 with link(2), which is atomic and fails where another was first; a number is never used
 * twice, so of two processes that find the same stale lock one wins and the other finds the winner. (Removing the stale
 * file first, the usual way, lets the slower of two remove the winner's.) Released is a file of no bytes.
 *
 * Processes in different pid namespaces cannot see each other die or live; one data directory belongs to one of them.
 */
export class DirectoryLock {
  readonly #path: string;
  #isHeld = true;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws LOG_UNAVAILABLE naming the pid of the process that has the directory. */
  static acquire(dir: string): DirectoryLock {
    const lockDir = join(dir, "lock");
    mkdirSync(lockDir, { recursive: true, mode: 0o700 });
    const mine = join(lockDir, `owner.${process.pid}.${process.hrtime.bigint()}`);
    writeFileSync(mine, JSON.stringify(currentOwner()), { mode: 0o600 });
    try {
      for (;;) {
        const top = highest(lockDir);
        const owner = top === 0 ? undefined : readOwner(join(lockDir, String(top)));
        if (owner && isAlive(owner)) {
          throw new SandglassError("LOG_UNAVAILABLE", `${dir} is in use by process ${owner.pid}`, {
            hint: `stop process ${owner.pid}, or give this one another data directory`,
          });
        }
        const path = join(lockDir, String(top + 1));
        if (!tryLink(mine, path)) continue;
        // A listing that ran beside a taking may have missed its file: the higher number has it.
        if (highest(lockDir) > top + 1) {
          unlinkSync(path);
          continue;
        }
        // The one before stays: whoever is about to take top + 1 must find it taken.
        removeLeftovers(lockDir, top);
        return new DirectoryLock(path);
      }
    } finally {
      unlinkSync(mine);
    }
  }

  /** Idempotent. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    truncateSync(this.#path, 0);
  }
}

function highest(lockDir: string): number {
  return readdirSync(lockDir).reduce(
    (top, name) => (/^\d+$/.test(name) ? Math.max(top, Number(name)) : top),
    0,
  );
}

/** Locks below `limit`, and what processes that died on their way to a lock left. */
function removeLeftovers(lockDir: string, limit: number): void {
  for (const name of readdirSync(lockDir)) {
    const owner = /^owner\.(\d+)\./.exec(name);
    const isLeft = owner
      ? processStat(Number(owner[1])) === undefined
      : /^\d+$/.test(name) && Number(name) < limit;
    if (isLeft) unlinkSync(join(lockDir, name));
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined where the lock was released, or its content did not survive a power cut (then its owner did not either). */
function readOwner(path: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, "utf8")) as Partial<LockOwner> | null;
    if (
      typeof owner?.pid !== "number" ||
      typeof owner.startTime !== "string" ||
      typeof owner.bootId !== "string"
    ) {
      return undefined;
    }
    return { pid: owner.pid, startTime: owner.startTime, bootId: owner.bootId };
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function currentOwner(): LockOwner {
  return { pid: process.pid, startTime: processStat(process.pid)?.startTime ?? "", bootId: bootId() };
}

function isAlive(owner: LockOwner): boolean {
  if (owner.bootId !== bootId()) return false;
  const stat = processStat(owner.pid);
  // A zombie holds nothing: its files are closed, only its parent has not asked yet.
  return stat !== undefined && stat.state !== "Z" && stat.startTime === owner.startTime;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** proc(5): the command's name, in parentheses, may hold spaces and parentheses itself. */
function processStat(pid: number): { state: string; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
