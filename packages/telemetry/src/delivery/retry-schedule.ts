/** How failures are met; defaults in {@link DEFAULT_RETRY}. */
export interface RetryOptions {
  /** Upper bound of the first wait. */
  initialMs: number;
  /** Upper bound of every wait. */
  maxMs: number;
  /** How long nothing has to have worked before `exporter.stalled` is said. */
  stallAfterMs: number;
}

export const DEFAULT_RETRY: RetryOptions = { initialMs: 250, maxMs: 30_000, stallAfterMs: 5_000 };

/** Shortest wait: chance alone must not make a retry a busy loop. */
const MIN_MS = 10;

/**
 * Waits between attempts: exponential, with full jitter (a time between nothing and the bound), so that those who failed together
 * do not come back together. A time that the destination named holds for all who send there. Waits end early when it works again.
 */
export class RetrySchedule {
  readonly #options: RetryOptions;
  readonly #random: () => number;
  readonly #sleepers = new Set<() => void>();
  #notBefore = 0;

  constructor(options: RetryOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** When the destination may be asked again, Unix time in milliseconds; in the past where it may be now. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /** The destination wants to be left alone until then. */
  postpone(afterMs: number): void {
    this.#notBefore = Math.max(this.#notBefore, Date.now() + afterMs);
  }

  /** Upper bound of the wait before attempt `attempt` + 1. */
  boundMs(attempt: number): number {
    return Math.min(this.#options.maxMs, this.#options.initialMs * 2 ** Math.min(attempt - 1, 30));
  }

  /** Waits before the next attempt; resolves early when woken or aborted. */
  async backOff(attempt: number, signal: AbortSignal): Promise<void> {
    await this.#sleep(Math.max(MIN_MS, this.#random() * this.boundMs(attempt)), signal);
  }

  /** Waits as long as the destination asked for; resolves early when woken or aborted. */
  async respect(signal: AbortSignal): Promise<void> {
    const remaining = this.#notBefore - Date.now();
    if (remaining > 0) await this.#sleep(remaining, signal);
  }

  /** Ends all waits: it works again, or someone wants to know. */
  wake(): void {
    this.#notBefore = 0;
    for (const wake of this.#sleepers) wake();
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      // Longer than a timer can be is a day that is asked for again.
      const timer = setTimeout(end, Math.min(ms, 86_400_000));
      this.#sleepers.add(end);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }
}
