/**
 * A map that forgets what was not asked for in a while, in two generations: when the young one is full it becomes the old one and
 * the old one goes. What is asked for is young again. Holds between one and two times its limit; a look-up is one or two plain ones.
 */
export class RecentMap<Value> {
  readonly #limit: number;
  #young = new Map<string, { value: Value; weight: number }>();
  #old = new Map<string, { value: Value; weight: number }>();
  #weight = 0;

  /** @param limit sum of the weights in one generation */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0;
  }

  get(key: string): Value | undefined {
    const entry = this.#young.get(key);
    if (entry !== undefined) return entry.value;
    const kept = this.#old.get(key);
    if (kept === undefined) return undefined;
    this.set(key, kept.value, kept.weight);
    return kept.value;
  }

  set(key: string, value: Value, weight: number = 1): void {
    this.#weight += weight - (this.#young.get(key)?.weight ?? 0);
    this.#young.set(key, { value, weight });
    if (this.#weight <= this.#limit) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }
}
