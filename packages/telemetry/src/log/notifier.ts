/** Wakes whoever waits for something new; keeps nothing between waits. */
export class Notifier {
  #waiters = new Set<() => void>();

  notify(): void {
    if (this.#waiters.size === 0) return;
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  /** Calls `wake` in the turn of the next {@link Notifier.notify}, which it must not hold up. Returns what takes that back. */
  once(wake: () => void): () => void {
    // Of this wait alone, also where the same function waits twice.
    const waiter = (): void => wake();
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Resolves at the next {@link Notifier.notify}, or when the signal is aborted. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const cancel = this.once(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = (): void => {
        cancel();
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
