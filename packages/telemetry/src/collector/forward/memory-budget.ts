/** What all destinations together may hold in memory. */
export class MemoryBudget {
  readonly #limit: number;
  #used = 0;
  #peak = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** The most that was ever used. */
  get peak(): number {
    return this.#peak;
  }

  hasRoom(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }

  /** Whether there is room or not: who asks knows what it may have in any case. */
  take(bytes: number): void {
    this.#used += bytes;
    this.#peak = Math.max(this.#peak, this.#used);
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
