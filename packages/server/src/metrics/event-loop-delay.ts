import { type Family, histogram } from "./family.ts";
import { Histogram } from "./instruments.ts";

/** A timer that costs an idle daemon no more than `monitorEventLoopDelay` at its 20 ms. */
const INTERVAL_MS = 50;
/** Seconds. A timer's own grain is a millisecond. */
const BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/**
 * How late the event loop comes to what is due: how long a request that arrives at any moment waits before anybody looks at it. A
 * loop that is held up for a second counts as all the moments in that second, not as one.
 *
 * Counted here and not with `monitorEventLoopDelay`: its percentiles are those since the start, or since somebody reset them, so that
 * of several scrapers each would spoil the others'. Buckets that only grow give everybody the percentiles of their own window.
 */
export class EventLoopDelay {
  readonly #delays = new Histogram(BOUNDS);
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  families(): Family[] {
    const help = "How late the event loop comes to what is due.";
    return [histogram("sandglass.event_loop.delay", "s", help, this.#delays.points())];
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const lateMs = Math.max(0, now - this.#last - INTERVAL_MS);
    this.#last = now;
    for (let ms = lateMs; ms >= 0; ms -= INTERVAL_MS) this.#delays.observe({}, ms / 1000);
  }
}
