import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SandglassError } from "@sandglass/protocol";
import { CursorFile, type CursorState, isReaderName, listCursors } from "./cursor.ts";
import type { LogView } from "./log-reader.ts";
import { NamedReader } from "./named-reader.ts";
import type { RetentionReader } from "./retention.ts";

/** The named readers of a log. Those that have a cursor count for retention from open on, also before they are asked for. */
export class ReaderRegistry {
  /** Where the cursors are. */
  readonly dir: string;
  readonly #view: LogView;
  readonly #mustSync: boolean;
  readonly #readers = new Map<string, NamedReader>();

  constructor(logDir: string, view: LogView, mustSync: boolean) {
    this.dir = join(logDir, "cursors");
    this.#view = view;
    this.#mustSync = mustSync;
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    for (const name of listCursors(this.dir)) this.#open(name, 0);
  }

  /** The one reader of this name; a new one begins behind position `committed`. Throws INVALID_REQUEST for a bad name. */
  get(name: string, committed: number): NamedReader {
    if (!isReaderName(name)) {
      throw new SandglassError("INVALID_REQUEST", `"${name}" is no name for a reader`, {
        hint: "up to 100 letters, digits, dots, dashes and underscores, a letter or digit first",
      });
    }
    return this.#readers.get(name) ?? this.#open(name, committed);
  }

  /** Forgets a reader: what it has not read is no longer kept for it. */
  async remove(name: string): Promise<void> {
    const reader = this.#readers.get(name);
    this.#readers.delete(name);
    await reader?.removeCursor();
  }

  /** Whether a reader of this name has been here before, also one that was detached. */
  has(name: string): boolean {
    return this.#readers.has(name) || listCursors(this.dir).includes(name);
  }

  /** Keeps the place of a reader but no record for it any more: it continues there when it is asked for again. */
  detach(name: string): void {
    this.#readers.delete(name);
  }

  all(): readonly RetentionReader[] {
    return [...this.#readers.values()];
  }

  stats(): { name: string; committed: number; lag: number; gapRecords: number }[] {
    return [...this.#readers.values()].map(({ name, committed, lag, gapRecords }) => ({
      name,
      committed,
      lag,
      gapRecords,
    }));
  }

  #open(name: string, committed: number): NamedReader {
    const file = new CursorFile(this.dir, name, this.#mustSync);
    const reader = new NamedReader(
      name,
      this.#view,
      file,
      this.#load(name, file) ?? { position: committed, gapRecords: 0 },
    );
    this.#readers.set(name, reader);
    return reader;
  }

  #load(name: string, file: CursorFile): CursorState | undefined {
    try {
      const state = file.load();
      // A power cut can take records that were read: their positions are given again, and must be read again.
      if (state === undefined || state.position <= this.#view.lastPosition) return state;
      this.#view.report({ kind: "cursor_reset", reader: name, position: this.#view.lastPosition });
      return { ...state, position: this.#view.lastPosition };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // Reading again is safe (events carry an id to tell by), skipping is not.
      this.#view.report({ kind: "cursor_reset", reader: name, position: 0 });
      return { position: 0, gapRecords: 0 };
    }
  }
}
