/** A timer that stands still while its sandbox is frozen. 0 never fires. */
export class Deadline {
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #onPassed: () => void;

  constructor(timeoutMs: number, onPassed: () => void) {
    this.#leftMs = timeoutMs;
    this.#onPassed = onPassed;
  }

  start(): void {
    if (this.#leftMs <= 0 || this.#timer !== undefined) return;
    this.#startedAt = performance.now();
    // Node's timers hold 31 bits of milliseconds; a longer one is renewed.
    const slice = Math.min(this.#leftMs, 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#leftMs -= slice;
      if (this.#leftMs > 0) this.start();
      else this.#onPassed();
    }, slice);
    this.#timer.unref();
  }

  pause(): void {
    if (this.#timer === undefined) return;
    this.clear();
    this.#leftMs = Math.max(1, this.#leftMs - (performance.now() - this.#startedAt));
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
