import type { RuntimeEvent } from "@sandglass/protocol";

export type Subscriber = (event: RuntimeEvent) => void;

/** Who in this process is told of every committed event. One that throws is counted and told of the next all the same. */
export class Subscribers {
  readonly #subscribers = new Set<{ call: Subscriber }>();
  /** Times that a subscriber threw; healthy is 0. */
  errors = 0;

  /** Returns what ends it. */
  add(call: Subscriber): () => void {
    const subscriber = { call };
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  tell(event: RuntimeEvent): void {
    for (const { call } of this.#subscribers) {
      try {
        call(event);
      } catch {
        this.errors += 1;
      }
    }
  }
}
