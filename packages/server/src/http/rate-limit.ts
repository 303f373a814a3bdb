/** Of those that are not full, at once. */
const MAX_BUCKETS = 50_000;

interface Bucket {
  tokens: number;
  /** `performance.now()` at which `tokens` was right. */
  at: number;
}

/** Token buckets by name: so many in a period, as many at once, and an even stream of them afterwards. */
export class RateLimit {
  readonly #capacity: number;
  readonly #perMs: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param capacity in each period; 0 is unlimited */
  constructor(capacity: number, periodMs: number) {
    this.#capacity = capacity;
    this.#perMs = capacity / periodMs;
  }

  /** @returns 0 where there was one left, which is taken; else the milliseconds until there is one */
  take(name: string, now: number = performance.now()): number {
    if (this.#capacity === 0) return 0;
    const bucket = this.#buckets.get(name) ?? this.#open(name, now);
    bucket.tokens = Math.min(this.#capacity, bucket.tokens + (now - bucket.at) * this.#perMs);
    bucket.at = now;
    if (bucket.tokens < 1) return Math.max(1, Math.round((1 - bucket.tokens) / this.#perMs));
    bucket.tokens--;
    return 0;
  }

  #open(name: string, now: number): Bucket {
    if (this.#buckets.size >= MAX_BUCKETS) this.#forgetFull(now);
    const bucket = { tokens: this.#capacity, at: now };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  /** What is full again says nothing. Where none is, the oldest goes: memory is bounded whoever comes. */
  #forgetFull(now: number): void {
    for (const [name, { tokens, at }] of this.#buckets) {
      if (tokens + (now - at) * this.#perMs >= this.#capacity) this.#buckets.delete(name);
    }
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
