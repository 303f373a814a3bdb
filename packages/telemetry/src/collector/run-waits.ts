import type { ForwardedSandbox } from "./forwarded-sandbox.ts";

/** Of runs that nobody completes. */
const RUN_MS = 3_600_000;

/**
 * Sandboxes that are over while the run that they were used in is not. The run's span is above all that was asked of them and is told of
 * at its end: until then their owner's endpoint is kept, by one of them for all of the run that have the same.
 */
export class RunWaits {
  readonly #runMs: number;
  readonly #waiting = new Map<ForwardedSandbox, NodeJS.Timeout>();

  /** @param runMs how long one is kept at most. Default 1 h */
  constructor(runMs: number = RUN_MS) {
    this.#runMs = runMs;
  }

  /**
   * @param forwarded all that are there
   * @param givenUp the run took too long
   * @returns false where it is not to be kept
   */
  begin(sandbox: ForwardedSandbox, forwarded: Iterable<ForwardedSandbox>, givenUp: () => void): boolean {
    if (sandbox.isRunOver) return false;
    for (const other of forwarded) {
      const waits = !other.isOver || this.#waiting.has(other);
      if (other !== sandbox && waits && isForTheSame(other, sandbox)) return false;
    }
    this.end(sandbox);
    this.#waiting.set(sandbox, setTimeout(givenUp, this.#runMs).unref());
    return true;
  }

  /** @returns whether it was kept */
  end(sandbox: ForwardedSandbox): boolean {
    clearTimeout(this.#waiting.get(sandbox));
    return this.#waiting.delete(sandbox);
  }
}

function isForTheSame(one: ForwardedSandbox, other: ForwardedSandbox): boolean {
  const [a, b] = [one.owner, other.owner];
  return a.orgId === b.orgId && a.runId === b.runId && one.destinationId === other.destinationId;
}
