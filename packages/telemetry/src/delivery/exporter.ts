import type { LogEvent } from "./log-event.ts";

/** What is sent at once. The same object is given again when it is tried again, so that an exporter may remember by it. */
export interface EventBatch {
  /** At least one, in the order of the log. */
  readonly events: readonly LogEvent[];
  /** Sum of the events' JSON. */
  readonly sizeBytes: number;
}

/** Events of a batch that the destination did not want, in an answer that took the rest. */
export type Rejection =
  /** It said which one: `index` in the batch. */
  | { readonly index: number; readonly reason: string }
  /** It said only how many. */
  | { readonly count: number; readonly reason: string };

/** What can be kept with a cursor: plain JSON. */
export type Checkpoint = { readonly [name: string]: string | number | boolean | null };

/**
 * What became of a batch: data, not an exception. What an exporter throws is a `retry`.
 *
 * - `ok`: it is there, all but `rejected`. `checkpoint` is committed in the same write as the cursor and given to the next `open`.
 * - `retry`: not now: the same batch is given again after a backoff, or after `afterMs` where the destination named a time. Also
 *   for what a person has to put right (a wrong token, a missing table): nothing is lost meanwhile.
 * - `fail`: never: the destination does not want what is in this batch. It is split until the events that are at fault are found.
 * - `disable`: the destination wants nothing any more; the exporter stops until it is told otherwise.
 */
export type ExportResult =
  | { readonly status: "ok"; readonly rejected?: readonly Rejection[]; readonly checkpoint?: Checkpoint }
  | { readonly status: "retry"; readonly reason: string; readonly afterMs?: number | undefined }
  | { readonly status: "fail"; readonly reason: string }
  | { readonly status: "disable"; readonly reason: string };

/**
 * One destination. It knows how to say events there and nothing else: batching, timeouts, retry, splitting, filters, counting
 * and cursors are around it (see `Pipeline`).
 */
export interface Exporter {
  /**
   * Sends one batch. `signal` fires when nobody waits for the outcome any more (timeout, end): what is under way is given up.
   * One that goes on after that is not waited for: the batch is given again while it runs. A reason must say what is wrong and where, and hold no secret.
   */
  export(batch: EventBatch, options: { readonly signal: AbortSignal }): Promise<ExportResult>;
  /** Gives back connections, files, timers. Called once; no `export` comes after, and none is under way but such as outlived their time. */
  shutdown(): Promise<void>;
}

/** How a destination wants to be fed. */
export interface DeliveryTraits {
  /**
   * - `none`: batches may overtake each other; up to `concurrency` are under way.
   * - `sandbox`: events of one sandbox in order, up to `concurrency` sandboxes' batches under way.
   * - `total`: one batch at a time, in the order of the log.
   */
  readonly order: "none" | "sandbox" | "total";
  readonly concurrency: number;
  /** Largest number of events in a batch. */
  readonly batchSize: number;
  /** A batch is not made larger than this many bytes of JSON, unless one event alone is. */
  readonly batchBytes: number;
  /** Longest that an event waits for its batch to fill; 0 sends at once. */
  readonly flushIntervalMs: number;
  /** Most events held in memory; never a reason to drop one: the log holds the rest. */
  readonly maxQueueSize: number;
  /** One attempt to send takes at most this. */
  readonly timeoutMs: number;
  /** The cursor is on disk before the next batch is begun: for destinations whose checkpoint has to match it. */
  readonly commitsEachBatch?: boolean;
  /** False where the exporter never looks inside events: then they are not parsed unless a filter does. Default true. */
  readonly needsEvents?: boolean;
}
