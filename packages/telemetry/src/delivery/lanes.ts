import type { DeliveryTraits, EventBatch } from "./exporter.ts";
import type { LogEvent } from "./log-event.ts";
import { batchOf, type Outcome, sumOf, type Window } from "./window.ts";

/** Decides what may be under way at once and in which order, by the order that a destination wants. */
export class Lanes {
  readonly #send: (batch: EventBatch) => Promise<Outcome>;
  readonly #traits: DeliveryTraits;
  /** Ends of what each lane has been given. */
  readonly #tails: Promise<void>[];
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(traits: DeliveryTraits, send: (batch: EventBatch) => Promise<Outcome>) {
    this.#traits = traits;
    this.#send = send;
    const lanes = traits.order === "sandbox" ? traits.concurrency : traits.order === "total" ? 1 : 0;
    this.#tails = new Array<Promise<void>>(lanes).fill(Promise.resolve());
  }

  /**
   * Sends all of a window and tells `settle` of it, which is waited for before the next is begun where the order is total.
   * Rejects with what either does.
   */
  async send(window: Window, settle: (outcome: Outcome) => Promise<void>): Promise<void> {
    switch (this.#traits.order) {
      case "total":
        return this.#follow(0, window.events, settle);
      case "sandbox":
        return settle(await this.#bySandbox(window));
      case "none":
        return settle(await this.#free(window));
    }
  }

  async #free(window: Window): Promise<Outcome> {
    if (this.#running < this.#traits.concurrency) this.#running += 1;
    // Whoever ends hands its place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#send(batchOf(window.events.slice()));
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #bySandbox(window: Window): Promise<Outcome> {
    const parts = new Map<number, LogEvent[]>();
    for (const event of window.events) {
      const lane = laneOf(event.event.sandboxId, this.#tails.length);
      const part = parts.get(lane);
      if (part) part.push(event);
      else parts.set(lane, [event]);
    }
    let total: Outcome = { delivered: 0, rejected: 0 };
    const count = async (outcome: Outcome): Promise<void> => {
      total = sumOf(total, outcome);
    };
    await Promise.all([...parts].map(([lane, events]) => this.#follow(lane, events, count)));
    return total;
  }

  /** Behind whatever the lane has been given before. A lane that failed stays failed: what is behind must not overtake. */
  #follow(
    lane: number,
    events: readonly LogEvent[],
    settle: (outcome: Outcome) => Promise<void>,
  ): Promise<void> {
    const batches = inBatches(events, this.#traits);
    const sent = this.#tails[lane]!.then(async () => {
      let total: Outcome = { delivered: 0, rejected: 0 };
      for (const batch of batches) total = sumOf(total, await this.#send(batchOf(batch)));
      await settle(total);
    });
    this.#tails[lane] = sent;
    // Whoever waits for the window hears of it.
    sent.catch(() => undefined);
    return sent;
  }
}

/** As few as count and bytes allow: a window that sandboxes share is larger than a batch. */
function inBatches(events: readonly LogEvent[], { batchSize, batchBytes }: DeliveryTraits): LogEvent[][] {
  const batches: LogEvent[][] = [];
  let batch: LogEvent[] = [];
  let sizeBytes = 0;
  for (const event of events) {
    const { sizeBytes: length } = event;
    if (batch.length > 0 && (batch.length >= batchSize || sizeBytes + length > batchBytes)) {
      batches.push(batch);
      batch = [];
      sizeBytes = 0;
    }
    batch.push(event);
    sizeBytes += length;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function laneOf(sandboxId: string, lanes: number): number {
  // The end of an id is its random part.
  let hash = 0;
  for (let i = Math.max(0, sandboxId.length - 8); i < sandboxId.length; i++) {
    hash = (hash * 31 + sandboxId.charCodeAt(i)) | 0;
  }
  return Math.abs(hash) % lanes;
}
