import { readdirSync, readFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** What `cursors/<name>.json` holds. */
export interface CursorState {
  /** Last position that was committed; 0 for none. */
  position: number;
  /** Records that were lost before this reader could read them, over its life. */
  gapRecords: number;
  /** What the reader keeps with its place, in the same write: counts, a file's length. Plain JSON. */
  data?: unknown;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Fit to be a file's name and a metric's label. */
export function isReaderName(name: string): boolean {
  return NAME.test(name);
}

/** The names of the readers that have a cursor. */
export function listCursors(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .filter(isReaderName);
}

/** One reader's cursor on disk. Writes that come while one is under way are answered by one more with the newest state. */
export class CursorFile {
  readonly #path: string;
  readonly #mustSync: boolean;
  #pending: CursorState | undefined;
  #writing: Promise<void> | undefined;

  constructor(dir: string, name: string, mustSync: boolean) {
    this.#path = join(dir, `${name}.json`);
    this.#mustSync = mustSync;
  }

  /** Undefined where there is none; throws SyntaxError where it cannot be understood. */
  load(): CursorState | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const state = JSON.parse(text) as Partial<CursorState> | null;
    if (!isCount(state?.position) || !isCount(state.gapRecords)) throw new SyntaxError("not a cursor");
    return {
      position: state.position,
      gapRecords: state.gapRecords,
      ...(state.data !== undefined && { data: state.data }),
    };
  }

  /** Resolves when this state, or a later one, is in the file. */
  save(state: CursorState): Promise<void> {
    this.#pending = state;
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  async remove(): Promise<void> {
    this.#pending = undefined;
    // What could not be written is not there to be removed.
    await this.#writing?.catch(() => undefined);
    await rm(this.#path, { force: true });
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending) {
        const state = this.#pending;
        this.#pending = undefined;
        const temporary = `${this.#path}.tmp`;
        const file = await open(temporary, "w", 0o600);
        try {
          await file.writeFile(JSON.stringify(state));
          if (this.#mustSync) await file.datasync();
        } finally {
          await file.close();
        }
        await rename(temporary, this.#path);
      }
    } finally {
      // In the same turn as the look at #pending: a save in between would wait for a write that never comes.
      this.#writing = undefined;
    }
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
