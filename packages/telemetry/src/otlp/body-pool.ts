const STEP_BYTES = 64 * 1024;
const MAX_BODIES = 8;
const MAX_BYTES = 16 * 1024 * 1024;
/** One that is larger than so many times what is wanted is left for another, unless it is of the smallest. */
const MAX_EXCESS = 4;

/**
 * Memory of requests, to be used again when they are done with: pages that the kernel has to find anew cost more than what is written
 * to them.
 */
export class BodyPool {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    const mostBytes = Math.max(STEP_BYTES, bytes * MAX_EXCESS);
    const index = this.#free.findIndex(({ length }) => length >= bytes && length <= mostBytes);
    if (index === -1) return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
    const [memory] = this.#free.splice(index, 1);
    this.#freeBytes -= memory!.length;
    return memory!;
  }

  /** @param body the beginning of what was taken, which nobody looks at any more */
  giveBack(body: Uint8Array): void {
    const memory = Buffer.from(body.buffer as ArrayBuffer);
    if (this.#free.length === MAX_BODIES || this.#freeBytes + memory.length > MAX_BYTES) return;
    this.#free.push(memory);
    this.#freeBytes += memory.length;
  }
}
