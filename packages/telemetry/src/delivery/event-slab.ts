const SLAB_BYTES = 64 * 1024;

/**
 * Copies the few events that are wanted out of the chunk of the log that they were read with: a quarter of a megabyte, which each of
 * them would keep in memory for as long as it waits.
 */
export class EventSlab {
  #slab = Buffer.alloc(0);
  #used = 0;

  copy(payload: Buffer): Buffer {
    const { length } = payload;
    if (length > SLAB_BYTES / 4) return Buffer.from(payload);
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    payload.copy(this.#slab, at);
    this.#used += length;
    return this.#slab.subarray(at, this.#used);
  }
}
