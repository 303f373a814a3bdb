/** Hands out blocks of 65,536 host ids, one a sandbox, so that no two sandboxes share an owner, a per-user limit or a keyring. */
export class UidRanges {
  static readonly FIRST = 200_000;
  static readonly SIZE = 65_536;
  static readonly COUNT = 4_096;
  readonly #used = new Set<number>();
  #next = 0;

  /** First id of a block nobody has. Recently used ones come back last. */
  take(): number {
    for (let tries = 0; tries < UidRanges.COUNT; tries++) {
      const slot = this.#next;
      this.#next = (this.#next + 1) % UidRanges.COUNT;
      if (this.#used.has(slot)) continue;
      this.#used.add(slot);
      return UidRanges.FIRST + slot * UidRanges.SIZE;
    }
    throw new Error(`all ${UidRanges.COUNT} uid ranges are in use`);
  }

  release(first: number): void {
    this.#used.delete((first - UidRanges.FIRST) / UidRanges.SIZE);
  }
}
