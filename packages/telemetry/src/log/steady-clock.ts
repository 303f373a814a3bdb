/** A wall clock that leaps ahead by more than this was set, or the machine slept. */
const LEAP_MS = 60_000;
/** How long it has to stay there before it is believed. */
const SETTLED_AFTER_MS = 10 * 60_000;

/**
 * The wall clock, for decisions that cannot be taken back. Where it leaps ahead, time goes on as before until the leap has lasted ten
 * minutes: a clock that was wrong for a moment must not make everything old. Where it is set back it is followed at once.
 *
 * @example new SteadyClock().now() // Unix time in milliseconds
 */
export class SteadyClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  /** Wall minus monotonic time, as believed. */
  #offset: number;
  /** Monotonic time since which the wall clock is ahead. */
  #aheadSince: number | undefined;

  /** The arguments are for tests. */
  constructor(wall: () => number = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#offset = wall() - monotonic();
  }

  now(): number {
    const monotonic = this.#monotonic();
    const offset = this.#wall() - monotonic;
    if (offset <= this.#offset + LEAP_MS) {
      this.#aheadSince = undefined;
      this.#offset = offset;
    } else {
      this.#aheadSince ??= monotonic;
      if (monotonic - this.#aheadSince >= SETTLED_AFTER_MS) this.#offset = offset;
    }
    return Math.floor(monotonic + this.#offset);
  }
}
