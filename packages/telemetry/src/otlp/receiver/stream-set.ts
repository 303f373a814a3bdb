const FIRST_SLOTS = 256;

/** A set of numbers of 64 bits, which takes 11 to 21 bytes for each. */
export class StreamSet {
  /** Two halves a slot; both 0 where it is free. */
  #slots = new Uint32Array(FIRST_SLOTS * 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it is in the set now: it was already, or there was room. */
  add(low: number, high: number, limit: number): boolean {
    // One number stands for two, of 2^64.
    const first = low === 0 && high === 0 ? 1 : low >>> 0;
    const second = high >>> 0;
    const at = this.#slotOf(first, second);
    if (this.#slots[at] !== 0 || this.#slots[at + 1] !== 0) return true;
    if (this.#size >= limit) return false;
    this.#slots[at] = first;
    this.#slots[at + 1] = second;
    this.#size++;
    if (this.#size * 8 > this.#slots.length * 3) this.#grow();
    return true;
  }

  /** Where it is, or would be. */
  #slotOf(low: number, high: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (low << 1) & mask;
    while ((slots[at] !== low || slots[at + 1] !== high) && (slots[at] !== 0 || slots[at + 1] !== 0)) {
      at = (at + 2) & mask;
    }
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const low = old[at]!;
      const high = old[at + 1]!;
      if (low === 0 && high === 0) continue;
      const slot = this.#slotOf(low, high);
      this.#slots[slot] = low;
      this.#slots[slot + 1] = high;
    }
  }
}
