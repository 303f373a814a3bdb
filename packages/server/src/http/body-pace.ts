import type { IncomingMessage } from "node:http";
import { SandglassError } from "@sandglass/protocol";

/** How slowly a body may come. */
export interface PaceLimits {
  /** Without a byte for this long it is given up, and slowness counts from then on. */
  bodyStallMs: number;
  /** Bytes a second, averaged over the time that was spent waiting; 0 is any. */
  bodyBytesPerSecond: number;
}

const SECOND_MS = 1_000;

/**
 * Tells whether a body comes too slowly. Only the time that the daemon waits for its sender counts, not that in which it
 * could not take more itself.
 */
export class BodyPace {
  readonly #limits: PaceLimits;
  #bytes = 0;
  #waitedMs = 0;
  #since: number | undefined;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
  }

  /** Begins to wait. @returns milliseconds until it is too slow where nothing comes */
  wait(now: number = performance.now()): number {
    this.#since ??= now;
    const { bodyStallMs, bodyBytesPerSecond } = this.#limits;
    if (bodyBytesPerSecond === 0) return bodyStallMs;
    const paidForMs = bodyStallMs + (this.#bytes / bodyBytesPerSecond) * SECOND_MS;
    return Math.max(0, Math.min(bodyStallMs, paidForMs - this.#waitedMs));
  }

  /** Something came. */
  got(bytes: number, now: number = performance.now()): void {
    this.#bytes += bytes;
    this.#waitedMs += now - (this.#since ?? now);
    this.#since = undefined;
  }

  tooSlow(): SandglassError {
    const { bodyStallMs, bodyBytesPerSecond } = this.#limits;
    const rate = bodyBytesPerSecond === 0 ? "" : ` or fewer than ${bodyBytesPerSecond} bytes a second`;
    return new SandglassError("REQUEST_TOO_SLOW", `nothing of the body came for ${bodyStallMs} ms${rate}`, {
      hint: "send it without pauses; the limits are the options limits.bodyStallMs and limits.bodyBytesPerSecond",
    });
  }
}

/**
 * The body as it comes. Leaving the iteration early leaves the connection whole, for the answer.
 *
 * @throws SandglassError REQUEST_TOO_SLOW
 */
export async function* pacedBody(request: IncomingMessage, limits: PaceLimits): AsyncGenerator<Uint8Array> {
  const pace = new BodyPace(limits);
  const chunks = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await within(chunks.next(), pace);
      if (step.done === true) return;
      const chunk: Uint8Array = step.value;
      pace.got(chunk.length);
      yield chunk;
    }
  } finally {
    // Not awaited: it would wait for the chunk that does not come.
    chunks.return?.(undefined)?.catch(() => undefined);
  }
}

function within<T>(next: Promise<T>, pace: BodyPace): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(pace.tooSlow()), pace.wait());
    next.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
