/** Hands out ids, one block a sandbox, so that no two sandboxes share an owner, a per-user limit or a keyring. */
export class UidRanges {
  static readonly FIRST = 200_000;
  static readonly SIZE = 65_536;
  static readonly COUNT = 4_096;
  readonly #first: number;
  readonly #size: number;
  readonly #count: number;
  readonly #used = new Set<number>();
  #next = 0;

  /** Blocks of 65,536 ids of the host, unless it is said what there is. */
  constructor({ first = UidRanges.FIRST, size = UidRanges.SIZE, count = UidRanges.COUNT } = {}) {
    this.#first = first;
    this.#size = size;
    this.#count = Math.min(count, UidRanges.COUNT);
  }

  /** First id of a block nobody has. Recently used ones come back last. */
  take(): number {
    for (let tries = 0; tries < this.#count; tries++) {
      const slot = this.#next;
      this.#next = (this.#next + 1) % this.#count;
      if (this.#used.has(slot)) continue;
      this.#used.add(slot);
      return this.#first + slot * this.#size;
    }
    throw new Error(`all ${this.#count} uid ranges are in use`);
  }

  release(first: number): void {
    this.#used.delete((first - this.#first) / this.#size);
  }
}
