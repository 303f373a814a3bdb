import { SandglassError } from "@sandglass/protocol";
import type { CursorFile, CursorState } from "./cursor.ts";
import { type LogItem, LogReader, type LogView, type ReadOptions } from "./log-reader.ts";
import type { RetentionReader } from "./retention.ts";

/**
 * A reader that continues where it committed, across restarts. What it has not committed is kept as long as the size limit
 * lets; what it committed may be given again after a crash, never skipped.
 */
export class NamedReader implements RetentionReader {
  readonly name: string;
  readonly #view: LogView;
  readonly #file: CursorFile;
  #committed: number;
  #gapRecords: number;
  #data: unknown;
  #isReading = false;

  /** Made by `DurableLog.readerAt`. */
  constructor(name: string, view: LogView, file: CursorFile, state: CursorState) {
    this.name = name;
    this.#view = view;
    this.#file = file;
    this.#committed = state.position;
    this.#gapRecords = state.gapRecords;
    this.#data = state.data;
  }

  /** Last position committed; 0 for none. */
  get committed(): number {
    return this.#committed;
  }

  get nextPosition(): number {
    return this.#committed + 1;
  }

  /** Records appended and not committed. */
  get lag(): number {
    return Math.max(0, this.#view.lastPosition - this.#committed);
  }

  /** Records lost to this reader over its life: removed by the size limit, or corrupt. */
  get gapRecords(): number {
    return this.#gapRecords;
  }

  /** What was committed with the position; undefined where nothing was. */
  get data(): unknown {
    return this.#data;
  }

  /**
   * Everything behind the committed position, in order, a chunk at a time. `follow` defaults to true. One at a time.
   *
   * @example
   * for await (const items of reader.batches({ signal })) {
   *   await deliver(items);
   *   await reader.commit(lastPositionOf(items));
   * }
   */
  async *batches(
    options: Pick<ReadOptions, "follow" | "signal" | "lingerMs"> = {},
  ): AsyncGenerator<LogItem[], void, undefined> {
    if (this.#isReading) throw new Error(`reader ${this.name} is being read already`);
    this.#isReading = true;
    try {
      const { follow = true, signal, lingerMs = 0 } = options;
      const reader = new LogReader(
        this.#view,
        { from: this.nextPosition, follow, lingerMs, ...(signal && { signal }) },
        this.name,
      );
      for await (const items of reader.batches()) {
        this.#gapRecords += reader.gapRecords;
        reader.gapRecords = 0;
        yield items;
      }
    } finally {
      this.#isReading = false;
    }
  }

  /**
   * Everything up to `position` is dealt with. Resolves when that is on disk; a lower position than before is ignored.
   * `data` takes the place of what was kept with the place before; plain JSON, on disk in the same write.
   * Throws INVALID_CURSOR behind the log's end, and what the file system throws.
   */
  async commit(position: number, data?: unknown): Promise<void> {
    if (!Number.isSafeInteger(position) || position > this.#view.lastPosition) {
      throw new SandglassError(
        "INVALID_CURSOR",
        `position ${position} is behind the log's end ${this.#view.lastPosition}`,
      );
    }
    this.#committed = Math.max(this.#committed, position);
    if (data !== undefined) this.#data = data;
    await this.#file.save({
      position: this.#committed,
      gapRecords: this.#gapRecords,
      ...(this.#data !== undefined && { data: this.#data }),
    });
  }

  /** Another thread reads and commits for this one, and has come this far: what is read is not kept for it any more. */
  observe(position: number, gapRecords: number): void {
    this.#committed = Math.max(this.#committed, position);
    this.#gapRecords = gapRecords;
  }

  /** Forgets the cursor file; made by `DurableLog.removeReader`. */
  removeCursor(): Promise<void> {
    return this.#file.remove();
  }
}
