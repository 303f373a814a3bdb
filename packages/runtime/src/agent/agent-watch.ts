/** Questions that stay without any word of the agent before it is given up. */
const MISSED = 5;

interface AgentWatchParts {
  /** How long the agent may be silent while somebody waits for it. */
  silenceMs: number;
  /** Asks for an answer that the agent gives by itself, whatever runs in its sandbox. */
  ask(): void;
  /** Told at most once. */
  onSilent(): void;
}

/**
 * Looks whether an agent still answers, as long as somebody waits for something of it: an idle sandbox is not woken for that. Silence is
 * counted in questions, not by the clock: a host that stood still itself asks again before it judges.
 */
export class AgentWatch {
  readonly #parts: AgentWatchParts;
  #waiting = 0;
  #isFrozen = false;
  #unanswered = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AgentWatchParts) {
    this.#parts = parts;
  }

  /** Somebody waits, until the function that is returned is called; calling that again does nothing. */
  wait(): () => void {
    let isOver = false;
    this.#waiting++;
    this.#look();
    return () => {
      if (isOver) return;
      isOver = true;
      this.#waiting--;
      this.#look();
    };
  }

  /** Anything came from the agent. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** Nothing is expected of a sandbox that does not run. */
  set isFrozen(isFrozen: boolean) {
    this.#isFrozen = isFrozen;
    this.#unanswered = 0;
    this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#waiting = Number.NEGATIVE_INFINITY;
  }

  #look(): void {
    const isWanted = this.#waiting > 0 && !this.#isFrozen;
    if (isWanted && this.#timer === undefined) {
      this.#unanswered = 0;
      this.#timer = setInterval(() => this.#tick(), this.#parts.silenceMs / MISSED).unref();
    } else if (!isWanted) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #tick(): void {
    if (this.#unanswered >= MISSED) {
      this.close();
      return this.#parts.onSilent();
    }
    this.#unanswered++;
    this.#parts.ask();
  }
}
