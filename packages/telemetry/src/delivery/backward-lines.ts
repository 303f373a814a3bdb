import type { FileHandle } from "node:fs/promises";

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Lines of a file from a place in it back to its beginning. A chunk is in memory, or the longest line. */
export class BackwardLines {
  readonly #file: FileHandle;
  /** Where the chunk that is held begins. */
  #from: number;
  #chunk: Buffer = Buffer.alloc(0);
  #readBytes = 0;

  /** @param end what follows the last newline before it is no line: it may still be written */
  constructor(file: FileHandle, end: number) {
    this.#file = file;
    this.#from = end;
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  /** A line without its newline, and where it begins. Throws what the file system throws. */
  async next(): Promise<{ text: string; start: number } | undefined> {
    // Newest part first; each is what a chunk had of the line.
    const parts: Buffer[] = [];
    let hasEnd = false;
    for (;;) {
      if (this.#chunk.length === 0 && !(await this.#readBefore())) {
        return hasEnd ? { text: join(parts), start: 0 } : undefined;
      }
      if (!hasEnd) {
        const newline = this.#chunk.lastIndexOf(NEWLINE);
        hasEnd = newline !== -1;
        this.#chunk = this.#chunk.subarray(0, Math.max(0, newline));
        if (!hasEnd || this.#chunk.length === 0) continue;
      }
      const before = this.#chunk.lastIndexOf(NEWLINE);
      parts.push(this.#chunk.subarray(before + 1));
      this.#chunk = this.#chunk.subarray(0, before + 1);
      if (before !== -1) return { text: join(parts), start: this.#from + before + 1 };
    }
  }

  async #readBefore(): Promise<boolean> {
    const length = Math.min(CHUNK_BYTES, this.#from);
    if (length === 0) return false;
    const chunk = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(chunk, 0, length, this.#from - length);
    // Shorter than it was: nothing of it is what it was taken for.
    if (bytesRead < length) return false;
    this.#from -= length;
    this.#readBytes += length;
    this.#chunk = chunk;
    return true;
  }
}

function join(parts: readonly Buffer[]): string {
  return Buffer.concat(parts.toReversed()).toString("utf8");
}
