/** How much is read at once, unless a record is longer. */
export const CHUNK_BYTES: number = 1024 * 1024;
/** How much is read at first: who wants one record need not wait for many. */
export const FIRST_CHUNK_BYTES: number = 256 * 1024;
/** What windows on their way let go of at a time; what is more is garbage. */
const MAX_FREE = 4;

/**
 * Memory that chunks of the log are read into, again and again: catching up takes hundreds of them a second, and what is allocated outside
 * of the heap at that rate has the engine collect all of it several times a second.
 */
export class ChunkMemory {
  readonly #free: Buffer[] = [];

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    // What trickles in is small, and may wait for long: it is not to keep a whole chunk.
    if (bytes > CHUNK_BYTES || bytes * 2 < CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** @param memory that was taken, which nobody looks at any more */
  giveBack(memory: Buffer): void {
    if (memory.length === CHUNK_BYTES && this.#free.length < MAX_FREE) this.#free.push(memory);
  }
}
