/** Fires once nothing has been going on for `timeoutMs`; 0 never fires. What goes on is counted: calls enter and leave. */
export class IdleClock {
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #calls = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = true;

  constructor(timeoutMs: number, onIdle: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
  }

  get isBusy(): boolean {
    return this.#calls > 0;
  }

  /** A call begins. The function returned says, once, that it has ended. */
  enter(): () => void {
    this.#calls++;
    clearTimeout(this.#timer);
    let isInside = true;
    return () => {
      if (isInside) this.#calls--;
      isInside = false;
      this.touch();
    };
  }

  /** Something happened just now. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.#timeoutMs <= 0 || this.#isStopped || this.#calls > 0) return;
    // Node's timers hold 31 bits of milliseconds; no sandbox idles that long unnoticed.
    this.#timer = setTimeout(this.#onIdle, Math.min(this.#timeoutMs, 2 ** 31 - 1));
    this.#timer.unref();
  }

  start(): void {
    this.#isStopped = false;
    this.touch();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
