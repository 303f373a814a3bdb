import { mkdirSync, unlinkSync } from "node:fs";
import { checksumSeed } from "./checksum-seed.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { LogEraser } from "./log-eraser.ts";
import { LogFeed, type LogUpdate } from "./log-feed.ts";
import type { DurableLogOptions, LogProblem, LogRecovery, LogStats } from "./log-options.ts";
import { type LogItem, LogReader, type LogView, type ReadOptions } from "./log-reader.ts";
import { LogWriter } from "./log-writer.ts";
import type { NamedReader } from "./named-reader.ts";
import { Notifier } from "./notifier.ts";
import { ReaderRegistry } from "./reader-registry.ts";
import { RecentBytes } from "./recent-bytes.ts";
import { recoverLog } from "./recovery.ts";
import { countExpired, type RetentionReader } from "./retention.ts";
import type { Erased } from "./rewrite-segment.ts";
import type { Segment } from "./segment.ts";
import { SteadyClock } from "./steady-clock.ts";

const RETENTION_EVERY_MS = 30_000;

/**
 * The append-only log that everything is written to before it is acknowledged: segment files of checksummed records,
 * numbered over the log's life from 1. Readers read the files, so that one that lags costs disk, not memory.
 *
 * @example
 * const log = await DurableLog.open({ dir: "/var/lib/sandglass/log" });
 * const position = await log.append('{"hello":"world"}');
 * for await (const item of log.read({ from: position })) console.log(item);
 * await log.close();
 */
export class DurableLog {
  /** What opening found. */
  readonly recovery: LogRecovery;
  readonly #options: DurableLogOptions;
  readonly #lock: DirectoryLock;
  readonly #segments: Segment[];
  readonly #writer: LogWriter;
  readonly #view: LogView;
  readonly #readers: ReaderRegistry;
  readonly #eraser: LogEraser;
  readonly #clock = new SteadyClock();
  readonly #recent: RecentBytes | undefined;
  readonly #retentionTimer: NodeJS.Timeout;
  #corruptRecords = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /**
   * Throws LOG_UNAVAILABLE where another process has the directory (naming its pid) or a newer release wrote it,
   * and what the file system throws. Damage does not keep it from opening: see {@link DurableLog.recovery}.
   */
  static async open(options: DurableLogOptions): Promise<DurableLog> {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const lock = DirectoryLock.acquire(options.dir);
    try {
      return new DurableLog(options, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(options: DurableLogOptions, lock: DirectoryLock) {
    this.#options = options;
    this.#lock = lock;
    const report = (problem: LogProblem): void => this.#report(problem);
    const seed = options.holdsForeignBytes === true ? checksumSeed(options.dir) : 0;
    const found = recoverLog(options.dir, report, seed);
    this.recovery = found.recovery;
    this.#segments = found.segments;
    const last = found.segments.at(-1);
    if (last && !found.canContinue) last.lastPosition = found.nextPosition - 1;
    const continued = found.canContinue ? last : undefined;
    this.#writer = new LogWriter(
      options,
      found.segments,
      continued,
      found.nextPosition,
      {
        report,
        published: () => this.#view.changed.notify(),
        rolled: () => {
          this.#keepRecent();
          this.#applyRetention();
        },
      },
      seed,
    );
    const { recentBytes = 0 } = options;
    this.#recent = recentBytes > 0 ? new RecentBytes(recentBytes) : undefined;
    this.#keepRecent();
    this.#view = this.#makeView(seed);
    this.#readers = new ReaderRegistry(options.dir, this.#view, options.durability === "power");
    this.#eraser = new LogEraser({
      dir: options.dir,
      segments: this.#segments,
      writer: this.#writer,
      seed,
      changed: () => this.#view.changed.notify(),
    });
    this.#retentionTimer = setInterval(() => this.#applyRetention(), RETENTION_EVERY_MS).unref();
    this.#applyRetention();
  }

  /** Last position acknowledged; 0 where nothing was ever appended. */
  get lastPosition(): number {
    return this.#writer.lastPosition;
  }

  /** Position of the oldest record kept; `lastPosition` + 1 where there is none. */
  get oldestPosition(): number {
    return this.#segments[0]!.firstPosition;
  }

  /** The position that the next append gets, unless one before it is refused. */
  get nextPosition(): number {
    return this.#writer.nextPosition;
  }

  /**
   * Appends one record and resolves with its position once it is as durable as the log was asked to be.
   * Rejects with LOG_UNAVAILABLE where it could not be written (nothing of it is in the log then, and the next append
   * tries again), PAYLOAD_TOO_LARGE above 16 MiB.
   */
  async append(payload: string | Uint8Array): Promise<number> {
    const committed = this.#writer.enqueue(payload);
    const position = this.#writer.nextPosition - 1;
    await committed;
    return position;
  }

  /**
   * Like {@link DurableLog.append} with less to pay: returns the promise that all appends of one write share. Throws
   * what is known at once: PAYLOAD_TOO_LARGE, and LOG_UNAVAILABLE where the log is closed or the records that wait
   * had to be written first and could not be. `head` stands in front of the payload, as if they had been one.
   */
  enqueue(payload: string | Uint8Array, head?: Uint8Array): Promise<void> {
    return this.#writer.enqueue(payload, head);
  }

  /** Resolves when everything appended so far is acknowledged or refused. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /**
   * Deletes the records of these positions: readers find a gap of the reason "deleted" there from now on. Each leaves a note in its place,
   * which the log itself does not read. Resolves when nothing of the records is in the log's files and that is on disk; what was deleted
   * before, or cannot be read, is passed over. Throws what the file system throws: then some may be deleted, and it can be tried again.
   */
  erase(notes: ReadonlyMap<number, Uint8Array>): Promise<Erased> {
    return this.#eraser.erase(notes);
  }

  /** Records and gaps from `from` on, one at a time. */
  async *read(options: ReadOptions = {}): AsyncGenerator<LogItem, void, undefined> {
    for await (const items of this.readBatches(options)) yield* items;
  }

  /** The same, as many at a time as one chunk of a file holds: what bulk readers want. */
  readBatches(options: ReadOptions = {}): AsyncGenerator<LogItem[], void, undefined> {
    return new LogReader(this.#view, options).batches();
  }

  /**
   * The reader of this name, which continues behind what it committed. A new one begins at the oldest record,
   * with `from: "end"` behind the last, or at a position. Throws INVALID_REQUEST for a name that is not fit for a file.
   */
  readerAt(name: string, options: { from?: "start" | "end" | number } = {}): NamedReader {
    const { from = "start" } = options;
    const first =
      typeof from === "number" ? from : from === "end" ? this.lastPosition + 1 : this.oldestPosition;
    return this.#readers.get(name, first - 1);
  }

  /** Whether a reader of this name has been here before, also one that was detached. */
  hasCursor(name: string): boolean {
    return this.#readers.has(name);
  }

  /** Keeps a reader's place, and no record for it any more: what `readerAt` gives next continues there as far as there is. */
  detachReader(name: string): void {
    this.#readers.detach(name);
  }

  /** Forgets a named reader: what it has not read is no longer kept for it. */
  removeReader(name: string): Promise<void> {
    return this.#readers.remove(name);
  }

  /** What another thread needs to read the log with readers of its own (see `FedLog`), beside what {@link DurableLog.feed} tells. */
  get cursors(): { dir: string; mustSync: boolean } {
    return { dir: this.#readers.dir, mustSync: this.#options.durability === "power" };
  }

  /** Tells `post` what there is to read, at most every `everyMs` (default 10), until it is stopped or the log is closed. */
  feed(post: (update: LogUpdate) => void, everyMs?: number): LogFeed {
    return new LogFeed(this.#view, post, everyMs);
  }

  /**
   * A position at or before everything that was appended from `timeMs` (Unix time in milliseconds) on: the beginning of a
   * segment. Where the wall clock was set back between segments, or since `timeMs`, times say nothing: the oldest position.
   */
  positionAt(timeMs: number): number {
    const segments = this.#segments;
    const isSteady = segments.every(({ createdAt }, i) => createdAt >= (segments[i - 1]?.createdAt ?? 0));
    if (!isSteady || timeMs > Date.now()) return this.oldestPosition;
    return segments.findLast(({ createdAt }) => createdAt <= timeMs)?.firstPosition ?? this.oldestPosition;
  }

  stats(): LogStats {
    return {
      ...this.#writer.counts,
      corruptRecords: this.#corruptRecords,
      bytes: this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      segments: this.#segments.length,
      lastPosition: this.lastPosition,
      oldestPosition: this.oldestPosition,
      readers: this.#readers.stats(),
    };
  }

  /** Writes and syncs what is there, lets followers read to the end, gives the directory back. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#retentionTimer);
    await this.#writer.close();
    this.#isClosed = true;
    this.#view.changed.notify();
    this.#lock.release();
  }

  /** Of the segment that is being written. */
  #keepRecent(): void {
    this.#recent?.clear();
    for (const segment of this.#segments.slice(-2)) segment.recent = undefined;
    this.#segments.at(-1)!.recent = this.#recent;
  }

  #applyRetention(): void {
    const { retention } = this.#options;
    if (!retention) return;
    const readers = [...this.#readers.all(), ...this.#view.liveReaders];
    const count = countExpired(this.#segments, readers, retention, this.#clock.now());
    for (let i = 0; i < count; i++) {
      const segment = this.#segments[0]!;
      try {
        unlinkSync(segment.path);
      } catch (error) {
        this.#report({ kind: "housekeeping_failed", error: error as Error });
        return;
      }
      segment.isRemoved = true;
      this.#segments.shift();
      const to = this.oldestPosition - 1;
      const unreadBy = readers.filter(({ nextPosition }) => nextPosition <= to).map(({ name }) => name);
      if (unreadBy.length === 0) continue;
      this.#report({ kind: "unread_removed", from: segment.firstPosition, to, readers: unreadBy });
    }
  }

  #report(problem: LogProblem): void {
    if (problem.kind === "corrupt") this.#corruptRecords += problem.to - problem.from + 1;
    this.#options.onProblem?.(problem);
  }

  #makeView(checksumSeed: number): LogView {
    const log = this;
    return {
      segments: this.#segments,
      get lastPosition() {
        return log.lastPosition;
      },
      get isClosed() {
        return log.#isClosed;
      },
      checksumSeed,
      changed: new Notifier(),
      liveReaders: new Set<RetentionReader>(),
      report: (problem) => log.#report(problem),
    };
  }
}
