import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A file that is about to become a claim; its maker is in its name, for it may be killed before a word is in it. */
const UNFINISHED = /^new\.(\d+)-(\d+)$/;

/**
 * Names of which each is one process's at a time, on the whole host: files in a directory, in each of which its maker stands. A process that
 * is gone loses its own to whoever asks for them.
 *
 * Of those who want what a dead process had, one at a time may touch it: whoever has the name `<name>.<the dead one>`, which is a claim like
 * any other. Dies that one too, its claim is inherited in the same way, so that nothing is held up by the dead. Nobody can be late:
 * what is claimed is the right to change just this dead process's file, and it is looked at again behind that. A process comes
 * back under no circumstances, for it is named by its pid and by when it began.
 */
export class HostClaims {
  readonly #directory: string;
  readonly #maker: string;
  readonly #unfinished: string;

  /** @param directory made where it is not there */
  constructor(directory: string) {
    const start = startOf(process.pid);
    this.#directory = directory;
    this.#maker = `${process.pid} ${start}`;
    this.#unfinished = join(directory, `new.${process.pid}-${start}`);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }

  /** Whether it is this process's now. False where a process that lives has it, or is just taking it from one that does not. */
  take(name: string): boolean {
    return this.#take(join(this.#directory, name));
  }

  /** Gives back what this process took. */
  release(name: string): void {
    rmSync(join(this.#directory, name), { force: true });
  }

  /** Removes everything that processes which are gone have left, half-made claims too. */
  removeAbandoned(): void {
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      const [, pid = "", start = ""] = UNFINISHED.exec(name) ?? [];
      if (pid === "") this.#inherit(path, () => rmSync(path, { force: true }));
      else if (startOf(pid) !== start) rmSync(path, { force: true });
    }
  }

  #take(path: string): boolean {
    return this.#put(linkSync, path) || this.#inherit(path, () => this.#put(renameSync, path));
  }

  /** Whether `act` was done to the file of a process that is gone. */
  #inherit(path: string, act: () => void): boolean {
    const dead = deadMaker(path);
    if (dead === undefined) return false;
    const right = `${path}.${/^\d+ \d+$/.test(dead) ? dead.replace(" ", "-") : "nobody"}`;
    if (!this.#take(right)) return false;
    try {
      if (deadMaker(path) !== dead) return false;
      act();
      return true;
    } finally {
      rmSync(right, { force: true });
    }
  }

  /** Makes the file whole and then puts it there, so that a claim has its maker's name from its first moment. False where one is there. */
  #put(how: (from: string, to: string) => void, path: string): boolean {
    writeFileSync(this.#unfinished, this.#maker, { mode: 0o600 });
    try {
      how(this.#unfinished, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(this.#unfinished, { force: true });
    }
  }
}

/** What is in a claim whose maker is gone. Undefined as well where it has just been given back: the next one may have it. */
function deadMaker(path: string): string | undefined {
  const maker = contents(path);
  const [pid = "", start] = maker?.split(" ") ?? [];
  return start !== undefined && startOf(pid) === start ? undefined : maker;
}

/** When a process began, in ticks since the host did: with its pid it names one process. "" where there is none, or nothing of it but its exit code. */
function startOf(pid: number | string): string {
  const stat = contents(`/proc/${pid}/stat`);
  // Behind the program's name, which may hold anything, the state and the 20th (proc(5): 3 and 22, "starttime").
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return ["Z", "X"].includes(fields[0] ?? "") ? "" : (fields[19] ?? "");
}

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
