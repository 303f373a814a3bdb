import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { UidRanges } from "./uid-ranges.ts";
import { type IdBlock, subordinateBlocks } from "./user-mapping.ts";

/** A file for each block that is in use on this host, whoever has it: daemons of one host do not know of each other. */
const CLAIMS = "/run/sandglass/uids";

/**
 * {@link UidRanges} that are claimed for the whole host: no other daemon on it has the same at the same time. A claim says who made it; one
 * whose maker is gone is taken over, for a daemon's sandboxes end with it. Ids that the administrator gave to a user, who may become
 * any of them, come last.
 */
export class HostUidRanges {
  readonly #ranges = new UidRanges();
  readonly #directory: string;
  readonly #given: readonly IdBlock[];
  readonly #owner = `${process.pid} ${startOf(process.pid)}`;

  /**
   * @param directory of the claims; made where it is not there
   * @param given ids of users; default: what `/etc/subuid` has of them now
   */
  constructor(directory: string = CLAIMS, given: readonly IdBlock[] = subordinateBlocks()) {
    this.#directory = directory;
    this.#given = given;
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }

  /** First id of a block that nobody on this host has. Throws Error where there is none left. */
  take(): number {
    const others: number[] = [];
    try {
      for (;;) {
        const first = this.#ranges.take();
        if (!this.#isGiven(first) && this.#claim(first)) return first;
        others.push(first);
      }
    } catch (error) {
      const last = others.find((first) => this.#isGiven(first) && this.#claim(first));
      if (last === undefined) throw error;
      others.splice(others.indexOf(last), 1);
      return last;
    } finally {
      for (const first of others) this.#ranges.release(first);
    }
  }

  release(first: number): void {
    rmSync(join(this.#directory, String(first)), { force: true });
    this.#ranges.release(first);
  }

  #isGiven(start: number): boolean {
    return this.#given.some(({ first, count }) => first < start + UidRanges.SIZE && start < first + count);
  }

  /** By a link, so that a claim has its maker's name from its first moment. */
  #claim(first: number): boolean {
    const path = join(this.#directory, String(first));
    const own = `${path}.${process.pid}`;
    writeFileSync(own, this.#owner, { mode: 0o600 });
    try {
      return isNew(() => linkSync(own, path)) || this.#takeOver(path, own);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** One at a time, or two would each take what the other has just taken. Who dies in here leaves a block unused until /run is cleared. */
  #takeOver(path: string, own: string): boolean {
    const lock = `${path}.taken-over`;
    if (!isAbandoned(path) || !isNew(() => closeSync(openSync(lock, "wx")))) return false;
    try {
      if (!isAbandoned(path)) return false;
      renameSync(own, path);
      return true;
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

/** Whether what `make` makes was not there before. */
function isNew(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** False as well where it has just been given back: the next one may have it. */
function isAbandoned(path: string): boolean {
  const owner = contents(path);
  if (owner === undefined) return false;
  const [pid = "", start] = owner.split(" ");
  return start === undefined || startOf(Number(pid)) !== start;
}

/** When a process began, in ticks since the host did: with its pid it names one process. "" where there is none. */
function startOf(pid: number): string {
  const stat = contents(`/proc/${pid}/stat`);
  // Behind the program's name, which may hold anything, the 20th (proc(5): 22, "starttime").
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
