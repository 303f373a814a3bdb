const LINES_PER_SECOND = 1_000;
const BYTES_PER_SECOND = 1024 * 1024;
/** How many seconds' worth may come at once. */
const BURST_SECONDS = 2;

/** How many lines one sandbox may tell of: 1,000 and 1 MiB a second, and two seconds' worth at once. */
export class LineAllowance {
  #lines = LINES_PER_SECOND * BURST_SECONDS;
  #bytes = BYTES_PER_SECOND * BURST_SECONDS;
  #filledAt = Number.NaN;

  /** Whether another line may be told, however long it is: that is paid by those behind it. */
  get hasRoom(): boolean {
    return this.#lines >= 1 && this.#bytes > 0;
  }

  /** @param nowMs any clock that only goes forward */
  fill(nowMs: number): void {
    const seconds = Number.isNaN(this.#filledAt) ? 0 : (nowMs - this.#filledAt) / 1000;
    this.#filledAt = nowMs;
    this.#lines = Math.min(LINES_PER_SECOND * BURST_SECONDS, this.#lines + LINES_PER_SECOND * seconds);
    this.#bytes = Math.min(BYTES_PER_SECOND * BURST_SECONDS, this.#bytes + BYTES_PER_SECOND * seconds);
  }

  /** One line. */
  spend(bytes: number): void {
    this.#lines -= 1;
    this.#bytes -= bytes;
  }
}
