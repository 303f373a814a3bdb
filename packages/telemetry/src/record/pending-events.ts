import type { RuntimeEvent } from "@sandglass/protocol";

/** Events on their way to the log, in the order they were given to it: committed from the front, refused from the back. */
export class PendingEvents {
  #events: RuntimeEvent[] = [];
  #start = 0;

  push(event: RuntimeEvent): void {
    this.#events.push(event);
  }

  /** There must be one. */
  takeOldest(): RuntimeEvent {
    const oldest = this.#events[this.#start++] as RuntimeEvent;
    if (this.#start === this.#events.length) {
      this.#events = [];
      this.#start = 0;
    } else if (this.#start > 4096) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
    return oldest;
  }

  /** The `count` newest, newest first. */
  takeRefused(count: number): RuntimeEvent[] {
    return this.#events.splice(this.#events.length - count, count).reverse();
  }
}
