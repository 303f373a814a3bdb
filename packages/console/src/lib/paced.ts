/**
 * Does something for what comes now and then at once, and for a flood not more often than it is told. What comes together is one call.
 * A reader's beginning is a flood: it waits for the first interval to pass.
 */
export class Paced {
  readonly #act: () => void;
  readonly #everyMs: number;
  #notBefore: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param everyMs between the end of one call and the beginning of the next */
  constructor(act: () => void, everyMs: number) {
    this.#act = act;
    this.#everyMs = everyMs;
    this.#notBefore = performance.now() + everyMs;
  }

  /** There is something to do: soon, with whatever else comes until then. */
  wake(): void {
    this.#timer ??= setTimeout(() => this.run(), Math.max(0, this.#notBefore - performance.now()));
  }

  /** Does it now. */
  run(): void {
    this.stop();
    this.#act();
    this.#notBefore = performance.now() + this.#everyMs;
  }

  /** What was to be done is not done any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
