import type { EventBatch, Rejection } from "../../delivery/exporter.ts";
import type { LogEvent } from "../../delivery/log-event.ts";
import type { Signal } from "../../otlp/model.ts";

/** A signal as a bit, so that a set of them is a number: there is one for every event on its way. */
export const BIT: Readonly<Record<Signal, number>> = { traces: 1, logs: 2, metrics: 4 };

/** An encoded request. */
export interface Body {
  readonly bytes: Uint8Array;
  /** How many spans or log records are in it. */
  readonly items: number;
}

/** What was done of a batch, kept from one attempt to the next. */
export interface BatchState {
  readonly bodies: Map<"traces" | "logs", Body>;
  /** What the metrics have to be delivered up to; 0 where none of its events is measured. */
  readonly metricsUpTo: number;
  /** How many of its events are measured. */
  readonly measured: number;
  /** By index in the batch: the signals, by {@link BIT}, that have something to say of the event. */
  readonly parts: Uint8Array;
  /** Records that are no events, by index. */
  readonly unreadable: readonly number[];
  /** Signals that are still to be sent. */
  readonly pending: Set<Signal>;
  /** What was not taken of those that were. */
  readonly rejected: { count: number; reason: string }[];
}

/** What was done of an event when its batch was given up to be split. */
interface EventState {
  /** Signals by {@link BIT} that have it. */
  readonly sent: number;
  readonly metricsUpTo: number;
}

const UNSENT: EventState = { sent: 0, metricsUpTo: 0 };

/**
 * Remembers what the destination has of batches that are tried again, and of events whose batch was split: a signal that took them is
 * not sent them again, and no event is counted in a metric twice. Forgets both as soon as the delivery does.
 */
export class SentMemory {
  readonly #batches = new WeakMap<EventBatch, BatchState>();
  readonly #events = new WeakMap<LogEvent, EventState>();
  /** Most destinations never refuse a batch: then there is nothing to look up. */
  #hasSplit = false;

  stateOf(batch: EventBatch, begin: () => BatchState): BatchState {
    let state = this.#batches.get(batch);
    if (state === undefined) {
      state = begin();
      this.#batches.set(batch, state);
    }
    return state;
  }

  eventState(event: LogEvent): EventState {
    return this.#hasSplit ? (this.#events.get(event) ?? UNSENT) : UNSENT;
  }

  /** Keeps what `state` has for the parts that the batch is split into. @param done signals that it was sent by */
  split(batch: EventBatch, { metricsUpTo }: BatchState, done: readonly Signal[]): void {
    const bits = done.reduce((sum, signal) => sum | BIT[signal], 0);
    this.#hasSplit = true;
    for (const event of batch.events) {
      const before = this.eventState(event);
      // Counted in, also where no report of it has arrived.
      const sent = before.sent | bits | BIT.metrics;
      this.#events.set(event, { sent, metricsUpTo: Math.max(before.metricsUpTo, metricsUpTo) });
    }
  }
}

/** As one rejection: a span and the log record of one event count once. */
export function mergeRejected(rejected: BatchState["rejected"]): Rejection[] {
  if (rejected.length === 0) return [];
  const count = Math.max(...rejected.map((each) => each.count));
  return [{ count, reason: [...new Set(rejected.map(({ reason }) => reason))].join("; ") }];
}
