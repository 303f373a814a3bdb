import type { ReadChunk } from "../log/read-chunk.ts";
import type { Checkpoint, EventBatch } from "./exporter.ts";
import type { LogEvent } from "./log-event.ts";

/** How many events were not delivered, by reason. */
export type Drops = Readonly<Record<string, number>>;

/** What became of the events of a window that were to be sent. */
export interface Outcome {
  delivered: number;
  rejected: number;
  /** What the destination wants kept, once the cursor is past all of it. */
  checkpoint?: Checkpoint | undefined;
  /** An attempt was given up that may go on looking at the events. */
  isAbandoned?: boolean | undefined;
}

/** Both together; the later checkpoint holds for both. */
export function sumOf(first: Outcome, second: Outcome): Outcome {
  return {
    delivered: first.delivered + second.delivered,
    rejected: first.rejected + second.rejected,
    checkpoint: second.checkpoint ?? first.checkpoint,
    isAbandoned: first.isAbandoned === true || second.isAbandoned === true,
  };
}

/** A stretch of the log, read and filtered: the unit in which delivery is counted and the cursor moves. */
export class Window implements EventBatch {
  /** First and last position, both inclusive; everything between was wanted, filtered or missing. */
  readonly from: number;
  to: number;
  /** To be sent. */
  readonly events: LogEvent[] = [];
  sizeBytes = 0;
  filtered = 0;
  /** Positions that hold no event any more: `retention`, `corrupt`. */
  readonly missing: Record<string, number> = {};
  /** Given to the destination, or waiting for its turn there. */
  isDispatched = false;
  /** Set when all of it is dealt with. */
  outcome: Outcome | undefined;
  /** What its events were read with, in their order. */
  readonly #sources: ReadChunk[] = [];

  constructor(from: number) {
    this.from = from;
    this.to = from - 1;
  }

  add(event: LogEvent, source: ReadChunk): void {
    if (this.#sources.at(-1) !== source) {
      source.hold();
      this.#sources.push(source);
    }
    this.events.push(event);
    this.sizeBytes += event.sizeBytes;
    this.to = event.position;
  }

  skip(position: number): void {
    this.filtered += 1;
    this.to = position;
  }

  miss(from: number, to: number, reason: string): void {
    this.missing[reason] = (this.missing[reason] ?? 0) + to - from + 1;
    this.to = to;
  }

  /** None of its events has bytes there any more. */
  letGo(source: ReadChunk): void {
    const index = this.#sources.indexOf(source);
    if (index === -1) return;
    this.#sources.splice(index, 1);
    source.release();
  }

  /** Lets go of the events' bytes. */
  settle(outcome: Outcome): void {
    this.outcome = outcome;
    this.events.length = 0;
    // Memory that is still looked at is not to be written to: it becomes garbage when it is not.
    if (outcome.isAbandoned !== true) for (const source of this.#sources) source.release();
    this.#sources.length = 0;
  }
}

/** A part of a window with the same events in it for as long as it is tried. */
export function batchOf(events: readonly LogEvent[]): EventBatch {
  let sizeBytes = 0;
  for (const event of events) sizeBytes += event.sizeBytes;
  return { events, sizeBytes };
}
