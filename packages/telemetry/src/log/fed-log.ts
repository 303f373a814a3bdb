import { CursorFile } from "./cursor.ts";
import type { LogUpdate } from "./log-feed.ts";
import type { LogProblem } from "./log-options.ts";
import { type LogItem, LogReader, type LogView, type ReadOptions } from "./log-reader.ts";
import { NamedReader } from "./named-reader.ts";
import { Notifier } from "./notifier.ts";
import type { RetentionReader } from "./retention.ts";
import { Segment } from "./segment.ts";
import { SharedReads } from "./shared-reads.ts";

/** The log as a thread that does not write it sees it: its files, and what a `LogFeed` tells of them. */
export class FedLog {
  readonly #cursorDir: string;
  readonly #mustSync: boolean;
  readonly #segments: Segment[] = [];
  readonly #view: LogView;
  readonly #readers = new Map<string, NamedReader>();
  #lastPosition = 0;

  /**
   * @param cursorDir absolute; the writer's
   * @param seed of its checksums; 0 for a log of the daemon's own bytes
   * @param gatheredMs for how long its feed gathers what is new
   */
  constructor(
    cursorDir: string,
    mustSync: boolean,
    report: (problem: LogProblem) => void,
    seed = 0,
    gatheredMs = 0,
  ) {
    this.#cursorDir = cursorDir;
    this.#mustSync = mustSync;
    const log = this;
    this.#view = {
      segments: this.#segments,
      get lastPosition() {
        return log.#lastPosition;
      },
      checksumSeed: seed,
      gatheredMs,
      isClosed: false,
      changed: new Notifier(),
      liveReaders: new Set<RetentionReader>(),
      reads: new SharedReads(),
      report,
    };
  }

  get lastPosition(): number {
    return this.#lastPosition;
  }

  apply({ lastPosition, firstSegment, segments }: LogUpdate): void {
    for (const state of segments) {
      const known = this.#segments.find(({ firstPosition }) => firstPosition === state.firstPosition);
      const segment = known ?? new Segment(state.path, state.firstPosition, state.createdAt, state.sizeBytes);
      segment.sizeBytes = state.sizeBytes;
      segment.readableBytes = state.readableBytes;
      segment.lastPosition = state.lastPosition;
      segment.rewrites = state.rewrites;
      if (!known) this.#segments.push(segment);
    }
    while (this.#segments[0] !== undefined && this.#segments[0].firstPosition < firstSegment) {
      this.#segments[0].isRemoved = true;
      this.#segments.shift();
    }
    this.#lastPosition = lastPosition;
    this.#view.changed.notify();
  }

  /** The reader of this name, which has a cursor already. Throws where its file cannot be understood. */
  readerAt(name: string): NamedReader {
    const known = this.#readers.get(name);
    if (known) return known;
    const file = new CursorFile(this.#cursorDir, name, this.#mustSync);
    const reader = new NamedReader(name, this.#view, file, file.load() ?? { position: 0, gapRecords: 0 });
    this.#readers.set(name, reader);
    return reader;
  }

  /** Position of the oldest record there is; 1 behind the last where there is none. */
  get oldestPosition(): number {
    return this.#segments[0]?.firstPosition ?? this.#lastPosition + 1;
  }

  /** Records from `options.from` on, for a reader that keeps its place itself: nothing is kept for it. */
  readBatches(options: ReadOptions): AsyncGenerator<LogItem[], void, undefined> {
    return new LogReader(this.#view, options).batches();
  }

  detachReader(name: string): void {
    this.#readers.delete(name);
  }
}
