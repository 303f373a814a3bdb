const FIRST_BYTES = 256;
const MOST_BYTES = 16 * 1024;

/**
 * Copies short buffers that are to be kept, in memory that only they are in. A buffer of Node's pool keeps 64 KiB that it shares with
 * whatever else was allocated then: a few bytes of each of a thousand execs would keep as many of them.
 */
export class OwnBytes {
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #size = FIRST_BYTES;

  copy(bytes: Uint8Array): Buffer {
    if (this.#block.length - this.#used < bytes.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(this.#size, bytes.length));
      this.#used = 0;
      this.#size = Math.min(this.#size * 2, MOST_BYTES);
    }
    const copy = this.#block.subarray(this.#used, this.#used + bytes.length);
    copy.set(bytes);
    this.#used += bytes.length;
    return copy;
  }
}
