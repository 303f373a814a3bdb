import { unlinkSync } from "node:fs";
import { SandglassError } from "@sandglass/protocol";
import { Batch, DIRECT_BYTES, FrameBuffer, FULL_BATCH_BYTES } from "./commit-batch.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import type { DurableLogOptions, LogProblem } from "./log-options.ts";
import { defaultSegmentBytes, SEGMENT_HEADER_BYTES, type Segment } from "./segment.ts";
import { SegmentWriter, syncFileData } from "./segment-writer.ts";
import { SteadyClock } from "./steady-clock.ts";
import { Syncer } from "./syncer.ts";
import { syncRefusal, writeRefusal } from "./write-refusal.ts";

/** With the time the sync itself takes this keeps the promise of "at most 100 ms later". */
const SYNC_AFTER_MS = 75;

/** What the writer tells the log. */
export interface LogWriterEvents {
  report(problem: LogProblem): void;
  /** Records up to `lastPosition` are readable. */
  published(): void;
  /** A segment was begun. */
  rolled(): void;
}

/**
 * The writing side of the log: group commit, rolling, syncing.
 *
 * Records enqueued in one turn of the event loop are encoded side by side, written with one system call and share one
 * promise. A large one is written at once, with those before it, from where its bytes lie. The write is synchronous, so that nothing can be enqueued behind a batch whose fate is open: one that fails is
 * cut away whole and its positions are given again. With durability "power" the batches that are written while the disk
 * is being waited for share the next wait.
 */
export class LogWriter {
  readonly #options: DurableLogOptions;
  readonly #segmentBytes: number;
  readonly #isPower: boolean;
  readonly #segments: Segment[];
  readonly #events: LogWriterEvents;
  readonly #syncer: Syncer;
  readonly #clock = new SteadyClock();
  readonly #frames: FrameBuffer;
  readonly #flushLater = (): void => {
    this.#flush();
  };
  #active: SegmentWriter;
  #batch: Batch | undefined;
  /** Written and not yet synced, in order. */
  #unsynced: Batch[] = [];
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  /** The active segment's sync failed: nothing more is written to it. */
  #mustRoll = false;
  #isClosing = false;
  #nextPosition: number;
  #lastPosition: number;
  readonly counts = { appended: 0, appendedBytes: 0, writeErrors: 0, syncErrors: 0 };

  /** Continues `continued`, or begins a new segment at the end of `segments`. */
  constructor(
    options: DurableLogOptions,
    segments: Segment[],
    continued: Segment | undefined,
    nextPosition: number,
    events: LogWriterEvents,
    seed: number,
  ) {
    this.#options = options;
    this.#frames = new FrameBuffer(seed);
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes(options.retention?.maxBytes);
    this.#isPower = options.durability === "power";
    this.#segments = segments;
    this.#events = events;
    this.#nextPosition = nextPosition;
    this.#lastPosition = nextPosition - 1;
    this.#syncer = new Syncer(options.dir, options.syncFile ?? syncFileData);
    if (continued) {
      this.#active = SegmentWriter.reopen(continued);
    } else {
      this.#active = SegmentWriter.create(options.dir, nextPosition, this.#clock.now());
      segments.push(this.#active.segment);
    }
  }

  /** Last position acknowledged. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** The position the next record gets, unless one before it is refused. */
  get nextPosition(): number {
    return this.#nextPosition;
  }

  enqueue(payload: string | Uint8Array, head?: Uint8Array): Promise<void> {
    if (this.#isClosing) throw new SandglassError("LOG_UNAVAILABLE", "the log is closed");
    if (this.#batch && this.#isFull(payload.length)) {
      // A record that follows a refused one is refused with it: its content may count on the other (an event's seq does).
      const refusal = this.#flush();
      if (refusal) throw refusal;
    }
    const direct = typeof payload !== "string" && payload.length >= DIRECT_BYTES ? payload : undefined;
    if (direct) this.#frames.pushBefore(direct, this.#nextPosition, head);
    else this.#frames.push(payload, this.#nextPosition, head);
    if (!this.#batch) {
      this.#batch = new Batch(this.#nextPosition);
      if (!direct) process.nextTick(this.#flushLater);
    }
    const batch = this.#batch;
    batch.count += 1;
    this.#nextPosition += 1;
    const refusal = direct && this.#flush(direct);
    if (refusal) throw refusal;
    return batch.committed;
  }

  /** Resolves when everything enqueued so far is acknowledged or refused. */
  async flush(): Promise<void> {
    this.#flush();
    if (this.#isPower) await this.#syncing;
  }

  /** Seals the segment being written, if it holds anything: what comes goes into a new one. Throws what the file system throws. */
  async roll(): Promise<void> {
    this.#flush();
    if (this.#active.segment.sizeBytes === SEGMENT_HEADER_BYTES) return;
    this.#mustRoll = true;
    this.#rollWhereNeeded(this.#nextPosition, 0);
    await this.flush();
  }

  /** Writes and syncs what is there, then closes the file. */
  async close(): Promise<void> {
    this.#flush();
    this.#isClosing = true;
    clearTimeout(this.#syncTimer);
    await this.#syncing;
    await this.#syncOnce();
    this.#active.close();
  }

  #isFull(payloadBytes: number): boolean {
    const { length } = this.#frames;
    const added = length + FRAME_HEADER_BYTES + payloadBytes;
    return length >= FULL_BATCH_BYTES || this.#active.segment.sizeBytes + added > this.#segmentBytes;
  }

  /**
   * Returns why the open batch was refused, if it was.
   *
   * @param rest of its last record
   */
  #flush(rest?: Uint8Array): SandglassError | undefined {
    const batch = this.#batch;
    if (!batch) return undefined;
    const framed = this.#frames.length;
    const length = framed + (rest?.length ?? 0);
    this.#batch = undefined;
    try {
      this.#rollWhereNeeded(batch.first, length);
      this.#active.append(this.#frames.bytes, framed, rest);
    } catch (error) {
      return this.#refuse(batch, error as Error);
    } finally {
      this.#frames.clear();
    }
    const { segment } = this.#active;
    segment.note(batch.first, segment.sizeBytes - length);
    batch.segment = segment;
    batch.startOffset = segment.sizeBytes - length;
    batch.endOffset = segment.sizeBytes;
    this.counts.appended += batch.count;
    this.counts.appendedBytes += length;
    this.#unsynced.push(batch);
    if (this.#isPower) {
      this.#startSync();
    } else {
      this.#publish(batch);
      batch.resolve();
      this.#scheduleSync();
    }
    return undefined;
  }

  #refuse(batch: Batch, error: Error): SandglassError {
    this.#nextPosition = batch.first;
    this.counts.writeErrors += 1;
    this.#events.report({ kind: "write_failed", records: batch.count, error });
    this.#options.onDrop?.(batch.first, batch.count);
    const refusal = writeRefusal(error, this.#options.dir);
    batch.reject(refusal);
    return refusal;
  }

  /** Makes the records of a batch readable. */
  #publish(batch: Batch): void {
    batch.segment!.readableBytes = batch.endOffset;
    this.#lastPosition = batch.first + batch.count - 1;
    this.#options.onCommit?.(batch.first, batch.count);
    this.#events.published();
  }

  #rollWhereNeeded(nextPosition: number, length: number): void {
    const { segment } = this.#active;
    const isFull = segment.sizeBytes + length > this.#segmentBytes;
    if (segment.sizeBytes === SEGMENT_HEADER_BYTES || !(isFull || this.#mustRoll)) return;
    // What is to be cut away must not stay in the way of what takes its positions.
    this.#active.settle();
    const next = SegmentWriter.create(this.#options.dir, nextPosition, this.#clock.now());
    segment.lastPosition = nextPosition - 1;
    this.#syncer.retire(this.#active);
    this.#mustRoll = false;
    this.#active = next;
    this.#segments.push(next.segment);
    this.#events.rolled();
  }

  #scheduleSync(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#startSync();
    }, SYNC_AFTER_MS).unref();
  }

  #startSync(): void {
    this.#syncing ??= this.#syncUntilClean();
  }

  async #syncUntilClean(): Promise<void> {
    do await this.#syncOnce();
    while (this.#isPower && this.#unsynced.length > 0);
    // In the same turn as the look at #unsynced: a batch in between would wait for a sync that never comes.
    this.#syncing = undefined;
  }

  async #syncOnce(): Promise<void> {
    const batches = this.#unsynced;
    this.#unsynced = [];
    const failures = await this.#syncer.sync(this.#active);
    for (const { writer, error } of failures) this.#reportSyncFailure(writer, batches, error);
    if (!this.#isPower) return;
    const failure = failures[0];
    const isRefused = (batch: Batch) => failures.some(({ writer }) => writer.segment === batch.segment);
    const firstRefused = failure === undefined ? -1 : batches.findIndex(isRefused);
    const synced = firstRefused === -1 ? batches : batches.slice(0, firstRefused);
    for (const batch of synced) {
      this.#publish(batch);
      batch.resolve();
    }
    if (failure !== undefined && firstRefused !== -1)
      this.#takeBack([...batches.slice(firstRefused), ...this.#unsynced], failure.error);
  }

  /**
   * Cuts away what was written and could not be synced, and all behind it: nobody was told of it, and whoever is told now that it failed
   * must not find it in the log.
   */
  #takeBack(refused: Batch[], error: Error): void {
    this.#unsynced = [];
    if (this.#batch) refused.push(this.#batch);
    this.#batch = undefined;
    this.#frames.clear();
    const { first, segment, startOffset } = refused[0]!;
    try {
      // A segment that was begun meanwhile holds nothing else.
      while (this.#segments.at(-1) !== segment) unlinkSync(this.#segments.pop()!.path);
      if (this.#active.segment !== segment) {
        this.#active.close();
        segment!.lastPosition = undefined;
        this.#active = SegmentWriter.reopen(segment!);
      }
    } catch (cause) {
      this.#events.report({ kind: "housekeeping_failed", error: cause as Error });
    }
    this.#active.cutTo(startOffset);
    this.#nextPosition = first;
    this.#mustRoll = true;
    const count = refused.reduce((sum, batch) => sum + batch.count, 0);
    this.counts.appended -= refused.reduce((sum, batch) => sum + (batch.segment ? batch.count : 0), 0);
    this.#options.onDrop?.(first, count);
    const refusal = syncRefusal(error);
    for (const batch of refused) batch.reject(refusal);
  }

  #reportSyncFailure(writer: SegmentWriter, batches: Batch[], error: Error): void {
    this.counts.syncErrors += 1;
    if (writer === this.#active) this.#mustRoll = true;
    const affected = batches.filter(({ segment }) => segment === writer.segment);
    const [first, last] = [affected[0], affected.at(-1)];
    if (!first || !last) return;
    const to = last.first + last.count - 1;
    this.#events.report({ kind: "sync_failed", segment: writer.segment.path, from: first.first, to, error });
  }
}
