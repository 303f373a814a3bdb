/** Whether what was read is put into the tables at once, or waits a moment for what else comes. */
export class Hurry {
  /** Somebody waits for events up to here. */
  position = 0;
  readonly #wakes = new Set<() => void>();

  upTo(position: number): void {
    this.position = Math.max(this.position, position);
    for (const wake of this.#wakes) wake();
  }

  /** Resolves after so long, or when somebody begins to wait. */
  linger(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakes.add(wake);
    });
  }
}
