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
const MAX_TIMER_MS = 86_400_000;

/**
 * Waits between attempts: exponential, with full jitter (a time between nothing and the bound), so that those who failed together
 * do not come back together. A time that the destination named holds for all who send there.
 */
export class RetrySchedule {
  readonly #options: RetryOptions;
  readonly #random: () => number;
  readonly #backingOff = new Set<() => void>();
  readonly #respecting = new Set<() => void>();
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
    this.#notBefore = Math.max(this.#notBefore, Date.now() + Math.max(MIN_MS, afterMs));
  }

  /** Upper bound of the wait before attempt `attempt` + 1. */
  boundMs(attempt: number): number {
    return Math.min(this.#options.maxMs, this.#options.initialMs * 2 ** Math.min(attempt - 1, 30));
  }

  /** Waits before the next attempt; resolves early when woken or aborted. */
  async backOff(attempt: number, signal: AbortSignal): Promise<void> {
    await sleep(Math.max(MIN_MS, this.#random() * this.boundMs(attempt)), signal, this.#backingOff);
  }

  /** Waits as long as the destination asked for; resolves early only when it is insisted, or aborted. */
  async respect(signal: AbortSignal): Promise<void> {
    // Another batch may have been told a later time meanwhile.
    while (!signal.aborted) {
      const remaining = this.#notBefore - Date.now();
      if (remaining <= 0) return;
      await sleep(remaining, signal, this.#respecting);
    }
  }

  /** Ends the waits that we chose: it works again, or someone waits. What the destination asked for holds. */
  wake(): void {
    for (const end of this.#backingOff) end();
  }

  /** Ends all waits: someone wants it tried now. */
  insist(): void {
    this.#notBefore = 0;
    for (const end of this.#respecting) end();
    this.wake();
  }
}

function sleep(ms: number, signal: AbortSignal, sleepers: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      sleepers.delete(end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    // Longer than a timer can be is a day that is asked for again.
    const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
    sleepers.add(end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
