import { readdir, unlink } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { compressFile, parseCompressed } from "./compress-file.ts";

const STAMP = /^\d{8}T\d{6}\.\d{3}Z$/;

interface RotatedFile {
  readonly stamp: string;
  /** All that it has. */
  readonly names: string[];
  /** Its name where it is there uncompressed. */
  plain?: string;
  /** It is there compressed. */
  isComplete?: boolean;
  /** What a crash left of compressing it, or somebody is at work on. */
  readonly unfinished: string[];
}

/**
 * The files that `events.jsonl` was renamed to: `events-20260418T140000.123Z.jsonl`, later with `.gz` behind it. Named by the time of
 * the rename and not by a number that moves on: one rename is one step, which a crash cannot leave half done, a file keeps its
 * name for good, and names in order are events in order (`zcat -f events-*`). Where the clock went back, the name after the newest is
 * taken, a millisecond later.
 */
export class RotatedFiles {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #maxFiles: number;
  readonly #isCompressed: boolean;
  #tidying: Promise<void> | undefined;
  #isTidyDue = false;
  /** Not compressed yet: the lines at its end are not committed, and a crash would have to cut them off. */
  held: string | undefined;

  /** @param path of the file that is written to, links followed */
  constructor(path: string, maxFiles: number, isCompressed: boolean) {
    const { dir, name, ext } = parse(path);
    this.#directory = dir;
    this.#prefix = `${name}-`;
    this.#suffix = ext;
    this.#maxFiles = maxFiles;
    this.#isCompressed = isCompressed;
  }

  /** A path for the file that is to be put aside at `nowMs`, behind all that are there. */
  async nextPath(nowMs: number): Promise<string> {
    const newest = (await this.#list()).at(-1);
    const afterNewest = newest === undefined ? 0 : timeOf(newest.stamp) + 1;
    return join(this.#directory, this.#prefix + stampOf(Math.max(nowMs, afterNewest)) + this.#suffix);
  }

  /** The path is one of a file that was put aside and is not compressed. */
  includes(path: string): boolean {
    return dirname(path) === this.#directory && this.#stampIn(basename(path)) !== undefined;
  }

  /** Begins to remove what is too old and to compress the rest, and to clear away what a crash left of that. */
  tidy(): void {
    this.#isTidyDue = true;
    this.#tidying ??= this.#tidyAll();
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#tidying;
  }

  async #tidyAll(): Promise<void> {
    while (this.#isTidyDue) {
      this.#isTidyDue = false;
      try {
        while (await this.#tidyOne());
      } catch (error) {
        // Somebody else removed what was looked at.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
        // Nothing is lost by it, and the next rotation tries again.
        process.emitWarning(`rotated files of ${this.#directory}: ${(error as Error).message}`, {
          code: "SANDGLASS_JSONL_ROTATION",
        });
      }
    }
    this.#tidying = undefined;
  }

  /** Does what is most urgent; false where nothing is left to do. Looks anew each time: the next rotation does not wait. */
  async #tidyOne(): Promise<boolean> {
    const files = await this.#list();
    for (const { names } of files.splice(0, Math.max(0, files.length - this.#maxFiles))) {
      for (const name of names) await this.#remove(name);
    }
    for (const { plain, isComplete, unfinished } of files) {
      for (const name of unfinished) await this.#remove(name);
      if (plain === undefined) continue;
      // Where both are there, the compressed one is complete: it gets its name when it is.
      if (isComplete) await this.#remove(plain);
      else if (this.#isCompressed && join(this.#directory, plain) !== this.held) {
        await compressFile(join(this.#directory, plain));
        return true;
      }
    }
    return false;
  }

  /** Oldest first. */
  async #list(): Promise<RotatedFile[]> {
    const byStamp = new Map<string, RotatedFile>();
    for (const name of await readdir(this.#directory)) {
      const { original, state } = parseCompressed(name);
      const stamp = this.#stampIn(original);
      if (stamp === undefined) continue;
      const file = byStamp.get(stamp) ?? { stamp, names: [], unfinished: [] };
      byStamp.set(stamp, file);
      file.names.push(name);
      if (state === "plain") file.plain = name;
      else if (state === "complete") file.isComplete = true;
      else file.unfinished.push(name);
    }
    return [...byStamp.values()].sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
  }

  #stampIn(name: string): string | undefined {
    if (!name.startsWith(this.#prefix) || !name.endsWith(this.#suffix)) return undefined;
    const stamp = name.slice(this.#prefix.length, name.length - this.#suffix.length);
    return STAMP.test(stamp) ? stamp : undefined;
  }

  async #remove(name: string): Promise<void> {
    try {
      await unlink(join(this.#directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function stampOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:]/g, "");
}

function timeOf(stamp: string): number {
  const parts = /^(....)(..)(..)T(..)(..)(.+)$/.exec(stamp);
  const time = parts ? Date.parse(`${parts.slice(1, 4).join("-")}T${parts.slice(4).join(":")}`) : Number.NaN;
  // A name that a person gave and that is no time: sorts where it sorts, says nothing.
  return Number.isNaN(time) ? 0 : time;
}
