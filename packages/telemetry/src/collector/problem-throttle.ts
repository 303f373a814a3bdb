const INTERVAL_MS = 10_000;

/** Told of what went wrong. */
export type TellProblem = (message: string, error?: unknown) => void;

/**
 * Tells each kind of problem once in an interval, and at its end how many more there were: whoever can cause one over and over is
 * not to fill the daemon's log with it.
 */
export class ProblemThrottle {
  readonly #tell: TellProblem;
  readonly #intervalMs: number;
  /** By message: those left out since it was told last, and the latest of them. */
  readonly #leftOut = new Map<string, { count: number; error: unknown }>();

  /** @param intervalMs default 10 s */
  constructor(tell: TellProblem, intervalMs: number = INTERVAL_MS) {
    this.#tell = tell;
    this.#intervalMs = intervalMs;
  }

  readonly tell: TellProblem = (message, error) => {
    const leftOut = this.#leftOut.get(message);
    if (leftOut !== undefined) {
      leftOut.count++;
      leftOut.error = error;
      return;
    }
    this.#begin(message);
    this.#tell(message, error);
  };

  #begin(message: string): void {
    this.#leftOut.set(message, { count: 0, error: undefined });
    setTimeout(() => this.#end(message), this.#intervalMs).unref();
  }

  #end(message: string): void {
    const { count, error } = this.#leftOut.get(message) ?? { count: 0, error: undefined };
    this.#leftOut.delete(message);
    if (count === 0) return;
    // It goes on: no sooner than in an interval is it told again.
    this.#begin(message);
    this.#tell(`${message} (${count} more in ${this.#intervalMs / 1000} s)`, error);
  }
}
