import { setTimeout as delay } from "node:timers/promises";

/** Waits that grow from `firstMs` by factors of two up to `maxMs`, each shortened by up to a half so that many clients do not come back together. */
export interface Backoff {
  firstMs: number;
  maxMs: number;
  /** Tries in all, the first included. */
  tries: number;
}

/** For a request whose connection was reset: short, because the usual reason is a kept connection that the server closed at that moment. */
export const REQUEST_BACKOFF: Backoff = { firstMs: 20, maxMs: 500, tries: 4 };

/** For a stream that is to be picked up again: long enough for a daemon to be restarted, about twelve seconds. */
export const STREAM_BACKOFF: Backoff = { firstMs: 25, maxMs: 3_000, tries: 12 };

/**
 * Waits before try number `attempt` (the first retry is 1).
 *
 * @throws the signal's reason when it is aborted meanwhile
 */
export async function waitToRetry(backoff: Backoff, attempt: number, signal?: AbortSignal): Promise<void> {
  const fullMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempt - 1));
  try {
    await delay(fullMs * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** Counts the tries of a stream that is picked up again whenever it breaks. */
export class Reconnects {
  readonly #tries: number;
  #failures = 0;
  #openedAt: number | undefined;

  /** @param tries in a row; default {@link STREAM_BACKOFF}'s */
  constructor(tries: number = STREAM_BACKOFF.tries) {
    this.#tries = tries;
  }

  /** A connection was made. One that then lasts longer than the longest wait was a good one, also when it was silent. */
  opened(): void {
    this.#openedAt = performance.now();
  }

  /** Something arrived. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits for the next try; false where the tries in a row are used up. @throws the signal's reason */
  async next(signal?: AbortSignal): Promise<boolean> {
    const aliveMs = this.#openedAt === undefined ? 0 : performance.now() - this.#openedAt;
    if (aliveMs > STREAM_BACKOFF.maxMs) this.#failures = 0;
    this.#openedAt = undefined;
    if (this.#failures >= this.#tries) return false;
    this.#failures += 1;
    await waitToRetry(STREAM_BACKOFF, this.#failures, signal);
    return true;
  }
}

const RESET_CODES = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Whether the connection broke after it had been made: the request may or may not have arrived. */
export function isConnectionReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && RESET_CODES.has(String(error.code));
}
