/** Changes of what runs: one at a time, and none any more once the end has begun. */
export class Changes {
  #last: Promise<unknown> = Promise.resolve();
  readonly #ending = new AbortController();

  /** Fires when the end begins: a change that is under way gives up where it can. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Rejects with the reason of the end for a change that has not begun by then. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      this.ending.throwIfAborted();
      return work();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the change that is under way is over, or the time. */
  async end(reason: Error, timeoutMs: number): Promise<void> {
    this.#ending.abort(reason);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([this.#last, late]);
    clearTimeout(timer);
  }
}
