import { close, open, unlinkSync, writeSync, writev } from "node:fs";
import { SEGMENT_MAGIC } from "./record.ts";

const SYNC_BYTES = 16 * 1024;
const MAX_VECTOR = 512;
/** What is small is put together here: one write of one buffer is shorter than one of several. */
const gathered = Buffer.allocUnsafeSlow(SYNC_BYTES);

export interface SegmentListener {
  /** Everything up to `offset` is in the file. */
  onWritten(offset: number): void;
  onError(error: Error): void;
}

/**
 * The output segment of one sandbox, which its execs share: making a file costs more than running a cell.
 *
 * It is opened ahead, off the event loop. What is small and comes in one turn of it goes to the page cache together (a thread-pool hop would
 * cost more than the write), at the turn's end or when somebody waits for it; what is large leaves the event loop free, one at a time. A failed
 * write is told to every listener, and nothing more is written.
 *
 * A nameless one is removed from its directory before the first byte is in it: readers fall back on it as on any other, and nothing of it
 * can be found in the directory, nor is left by a crash. It is there until it is closed and nobody holds it.
 */
export class SegmentWriter {
  readonly #name: string;
  readonly #isNameless: boolean;
  #holders = 0;
  readonly #listeners = new Set<SegmentListener>();
  #fd = -1;
  #pending: Buffer[] = [SEGMENT_MAGIC];
  #pendingBytes = SEGMENT_MAGIC.length;
  #endOffset = SEGMENT_MAGIC.length;
  #writtenOffset = 0;
  #isBusy = true; // opening, or writing
  #isClosing = false;
  #gathering: NodeJS.Immediate | undefined;
  #error: Error | undefined;

  constructor(path: string, { isNameless = false }: { isNameless?: boolean } = {}) {
    this.#name = path;
    this.#isNameless = isNameless;
    // The one descriptor is read by as well.
    open(path, isNameless ? "wx+" : "wx", 0o600, (error, fd) => {
      this.#isBusy = false;
      if (error !== null) return this.#failed(error);
      this.#fd = fd;
      try {
        if (isNameless) unlinkSync(path);
      } catch (failure) {
        return this.#failed(failure as Error);
      }
      this.#flush();
    });
  }

  /** To be opened by readers; of a nameless one only by those who hold it. @throws Error where that is gone */
  get path(): string {
    if (!this.#isNameless) return this.#name;
    if (this.#fd === -1) throw new Error("the sandbox has ended, and its output was not to be kept");
    return `/proc/self/fd/${this.#fd}`;
  }

  /** It stays when it is closed. */
  get isKept(): boolean {
    return !this.#isNameless;
  }

  /** Keeps what can be read by `path` until it is let go, also behind `close`. */
  hold(): void {
    this.#holders += 1;
  }

  letGo(): void {
    this.#holders -= 1;
    this.#closeWhenIdle();
  }

  /** Where the next record begins. */
  get endOffset(): number {
    return this.#endOffset;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  listen(listener: SegmentListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: SegmentListener): void {
    this.#listeners.delete(listener);
  }

  /** Buffers must not change afterwards. Listeners may be called before this returns. */
  append(buffers: readonly Buffer[], bytes: number): void {
    this.#pending.push(...buffers);
    this.#pendingBytes += bytes;
    this.#endOffset += bytes;
    if (this.#isBusy) return;
    if (this.#pendingBytes > SYNC_BYTES) this.#flush();
    else this.#gathering ??= setImmediate(() => this.hurry());
  }

  /** Writes now what is gathered. */
  hurry(): void {
    if (this.#gathering === undefined) return;
    clearImmediate(this.#gathering);
    this.#gathering = undefined;
    if (!this.#isBusy) this.#flush();
  }

  /** Closes the file once everything is written. */
  close(): void {
    this.#isClosing = true;
    this.#closeWhenIdle();
  }

  #flush(): void {
    if (this.#error !== undefined || this.#pending.length === 0) return this.#closeWhenIdle();
    if (this.#pendingBytes <= SYNC_BYTES) {
      let bytes = 0;
      for (const buffer of this.#pending) {
        gathered.set(buffer, bytes);
        bytes += buffer.length;
      }
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        this.#written(writeSync(this.#fd, gathered, 0, bytes), bytes);
      } catch (error) {
        this.#failed(error as Error);
      }
      return this.#closeWhenIdle();
    }
    const buffers = this.#pending.splice(0, MAX_VECTOR);
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#pendingBytes -= bytes;
    this.#isBusy = true;
    writev(this.#fd, buffers, (error, written) => {
      this.#isBusy = false;
      if (error !== null) this.#failed(error);
      else this.#written(written, bytes);
      if (!this.#isBusy) this.#flush();
    });
  }

  #written(written: number, bytes: number): void {
    if (written < bytes)
      return this.#failed(new Error(`the output segment took ${written} of ${bytes} bytes`));
    this.#writtenOffset += bytes;
    for (const listener of [...this.#listeners]) listener.onWritten(this.#writtenOffset);
  }

  #failed(error: Error): void {
    this.#error ??= error;
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const listener of [...this.#listeners]) listener.onError(error);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.#isClosing || this.#isBusy || this.#pending.length > 0 || this.#fd === -1) return;
    // Its number may be another file's then.
    if (this.#isNameless && this.#holders > 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    close(fd, (error) => {
      if (error !== null) process.emitWarning(`${this.#name} could not be closed: ${error.message}`);
    });
  }
}
