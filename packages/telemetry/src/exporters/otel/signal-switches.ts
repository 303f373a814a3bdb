import type { Signal } from "../../otlp/model.ts";

const OFF_MS = 10 * 60_000;

/** Signals that the destination has no place for, each until it is time to ask again. */
export class SignalSwitches {
  readonly #off = new Map<Signal, { until: number; reason: string }>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that does not go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** For ten minutes. */
  turnOff(signal: Signal, reason: string): void {
    this.#off.set(signal, { until: this.#now() + OFF_MS, reason });
  }

  /** Why it is off; undefined where it is on. */
  whyOff(signal: Signal): string | undefined {
    const off = this.#off.get(signal);
    if (off === undefined || this.#now() < off.until) return off?.reason;
    this.#off.delete(signal);
    return undefined;
  }
}
