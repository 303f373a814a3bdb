/** Whether a destination takes what it is sent, and since when not. */
export class Health {
  failedAttempts = 0;
  /** What those were of, as often as it was tried, and what was refused for good. */
  failedEvents = 0;
  lastError: { at: string; message: string } | undefined;
  lastDeliveryAt: string | undefined;
  /** Unix time in milliseconds; undefined while it works. */
  stalledSince: number | undefined;
  #failingSince: number | undefined;
  readonly #stallAfterMs: number;
  readonly #onStall: (reason: string) => void;
  readonly #onRecover: (stalledMs: number) => void;

  constructor(
    stallAfterMs: number,
    onStall: (reason: string) => void,
    onRecover: (stalledMs: number) => void,
    stalledSince?: number,
  ) {
    // Of the run before: whoever heard that it stalled wants to hear that it works again.
    this.stalledSince = stalledSince;
    this.#failingSince = stalledSince;
    this.#stallAfterMs = stallAfterMs;
    this.#onStall = onStall;
    this.#onRecover = onRecover;
  }

  /** Unix time in milliseconds; undefined while it works. */
  get failingSince(): number | undefined {
    return this.#failingSince;
  }

  /**
   * @param message without secrets
   * @param afterMs it will not be asked before
   */
  failed(message: string, tookMs: number, afterMs = 0): void {
    const now = Date.now();
    this.failedAttempts += 1;
    this.lastError = { at: new Date(now).toISOString(), message };
    // An attempt that took its time has been failing since it began.
    this.#failingSince ??= now - tookMs;
    const failsForMs = now - this.#failingSince + afterMs;
    if (this.stalledSince !== undefined || failsForMs < this.#stallAfterMs) return;
    this.stalledSince = this.#failingSince;
    this.#onStall(message);
  }

  /** It took the rest: a mistake worth saying, and no failing destination. */
  refused(message: string): void {
    this.lastError = { at: new Date().toISOString(), message };
  }

  /** It took a batch. */
  delivered(): void {
    this.lastDeliveryAt = new Date().toISOString();
    this.answered();
  }

  /** It is there and looks at what it is sent. */
  answered(): void {
    const now = Date.now();
    this.#failingSince = undefined;
    if (this.stalledSince === undefined) return;
    const stalledMs = now - this.stalledSince;
    this.stalledSince = undefined;
    this.#onRecover(stalledMs);
  }
}
