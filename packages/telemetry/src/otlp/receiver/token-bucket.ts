/** How many seconds' worth may come at once. */
const BURST_SECONDS = 2;

/**
 * So much a second, with bursts of two seconds' worth. Who asks for more than a burst gets it from a full bucket, and is in debt
 * afterwards: else it could never be sent at all.
 */
export class TokenBucket {
  /** Below 0 it is debt. Undefined: full, and never used. */
  #tokens: number | undefined;
  #filledAt = 0;

  /** How long until `amount` may be spent, in milliseconds; 0: now. @param now any clock in milliseconds that only goes forward */
  waitFor(amount: number, perSecond: number, now: number): number {
    const tokens = this.#fill(perSecond, now);
    const missing = Math.min(amount, perSecond * BURST_SECONDS) - tokens;
    return missing > 0 ? (missing / perSecond) * 1000 : 0;
  }

  /** Takes it, whether it is there or not. */
  spend(amount: number, perSecond: number, now: number): void {
    this.#tokens = this.#fill(perSecond, now) - amount;
  }

  #fill(perSecond: number, now: number): number {
    const burst = perSecond * BURST_SECONDS;
    const earned = (perSecond * (now - this.#filledAt)) / 1000;
    this.#tokens = Math.min(burst, (this.#tokens ?? burst) + earned);
    this.#filledAt = now;
    return this.#tokens;
  }
}
