import { closeSync, openSync, writev, writevSync } from "node:fs";
import { SEGMENT_MAGIC } from "./record.ts";

const SYNC_BYTES = 16 * 1024;
const MAX_VECTOR = 512;

/**
 * Appends to one output segment. Small writes go to the page cache at once (a thread-pool hop would cost more than the write);
 * large ones leave the event loop free, one at a time.
 */
export class SegmentWriter {
  readonly path: string;
  #fd = -1;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isWriting = false;
  #isClosing = false;
  #writtenBytes = 0;
  readonly #onWritten: (offset: number) => void;
  readonly #onError: (error: Error) => void;

  constructor(path: string, onWritten: (offset: number) => void, onError: (error: Error) => void) {
    this.path = path;
    this.#onWritten = onWritten;
    this.#onError = onError;
  }

  /** Buffers must not change afterwards. `onWritten` is called, possibly before this returns, once they are in the file. */
  append(buffers: readonly Buffer[], bytes: number): void {
    if (this.#fd === -1) {
      try {
        this.#fd = openSync(this.path, "wx", 0o600);
      } catch (error) {
        return this.#onError(error as Error);
      }
      this.#pending.push(SEGMENT_MAGIC);
      this.#pendingBytes += SEGMENT_MAGIC.length;
    }
    this.#pending.push(...buffers);
    this.#pendingBytes += bytes;
    if (!this.#isWriting) this.#flush();
  }

  /** Closes the file once everything is written. */
  close(): void {
    this.#isClosing = true;
    this.#closeWhenIdle();
  }

  #flush(): void {
    if (this.#pendingBytes <= SYNC_BYTES && this.#pending.length <= MAX_VECTOR) {
      const buffers = this.#pending.splice(0);
      const bytes = this.#pendingBytes;
      this.#pendingBytes = 0;
      try {
        const written = writevSync(this.#fd, buffers);
        if (written < bytes) throw new Error(`the output segment took ${written} of ${bytes} bytes`);
      } catch (error) {
        return this.#onError(error as Error);
      }
      this.#writtenBytes += bytes;
      return this.#onWritten(this.#writtenBytes);
    }
    const buffers = this.#pending.splice(0, MAX_VECTOR);
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#pendingBytes -= bytes;
    this.#isWriting = true;
    writev(this.#fd, buffers, (error, written) => {
      this.#isWriting = false;
      if (error !== null || written < bytes) {
        this.#onError(error ?? new Error(`the output segment took ${written} of ${bytes} bytes`));
        return this.#closeWhenIdle();
      }
      this.#writtenBytes += bytes;
      this.#onWritten(this.#writtenBytes);
      if (this.#pending.length > 0 && !this.#isWriting) this.#flush();
      this.#closeWhenIdle();
    });
  }

  #closeWhenIdle(): void {
    if (!this.#isClosing || this.#isWriting || this.#pending.length > 0 || this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}
