import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CHUNK_BYTES, FIRST_CHUNK_BYTES } from "./chunk-memory.ts";
import { FrameScanner, findMarker } from "./frame.ts";
import type { LogProblem } from "./log-options.ts";
import { LogRecord } from "./log-record.ts";
import type { Notifier } from "./notifier.ts";
import { ReadChunk } from "./read-chunk.ts";
import type { RetentionReader } from "./retention.ts";
import type { Segment } from "./segment.ts";
import { readChunk, type SharedReads } from "./shared-reads.ts";

export type { LogRecord };

/** Records `from` … `to` are missing. */
export interface LogGap {
  gap: { from: number; to: number; reason: "retention" | "corrupt" | "deleted" };
}
export type LogItem = LogRecord | LogGap;

export interface ReadOptions {
  /** First position wanted; default the oldest there is. */
  from?: number;
  /** Last position wanted; default the last at the time of the call, or without end where `follow`. */
  to?: number;
  /** Waits for more at the log's end, until the signal is aborted or the log closed. */
  follow?: boolean;
  /** Where `follow`: how long after something new came it is read, so that a trickle is read in one go. Default 0. */
  lingerMs?: number;
  /** Ends the reading, without an error. */
  signal?: AbortSignal;
}

/** What a reader needs of the log. */
export interface LogView {
  readonly segments: readonly Segment[];
  readonly lastPosition: number;
  /** Of the log's checksums; see `frame.ts`. */
  readonly checksumSeed: number;
  readonly isClosed: boolean;
  readonly changed: Notifier;
  readonly liveReaders: Set<RetentionReader>;
  /** For how long what is new was gathered before readers hear of it; default 0. */
  readonly gatheredMs?: number;
  /** Where several readers keep together. */
  readonly reads?: SharedReads;
  report(problem: LogProblem): void;
}

/** Walks the segment files from a position on. Holds one chunk of one file in memory, whatever the log's size. */
export class LogReader implements RetentionReader {
  readonly name: string;
  /** First position not given out yet. */
  nextPosition: number;
  gapRecords = 0;
  readonly #view: LogView;
  readonly #limit: number;
  readonly #follow: boolean;
  readonly #lingerMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #scanner: FrameScanner;
  /** It looks for where the next record begins: what looks like one has to prove it. */
  #isLost = false;

  constructor(view: LogView, options: ReadOptions, name = "a live reader") {
    this.name = name;
    this.#view = view;
    this.#scanner = new FrameScanner(view.checksumSeed);
    this.#follow = options.follow ?? false;
    this.#lingerMs = (options.lingerMs ?? 0) - (view.gatheredMs ?? 0);
    this.#signal = options.signal;
    this.#limit = options.to ?? (this.#follow ? Number.POSITIVE_INFINITY : view.lastPosition);
    this.nextPosition = options.from ?? view.segments[0]?.firstPosition ?? 1;
  }

  /** Records and gaps in order, as many at a time as one chunk holds. To be iterated once. */
  async *batches(): AsyncGenerator<LogItem[], void, undefined> {
    this.#view.liveReaders.add(this);
    try {
      while (!this.#isDone()) {
        const segment = this.#view.segments.findLast(
          ({ firstPosition }) => firstPosition <= this.nextPosition,
        );
        if (!segment) {
          const removedTo = this.#view.segments[0]!.firstPosition - 1;
          yield [this.#gapUpTo(Math.min(removedTo, this.#limit), "retention")];
          continue;
        }
        yield* this.#readSegment(segment);
        if (this.#isDone()) return;
        const last = segment.lastPosition ?? Math.min(this.#limit, this.#view.lastPosition);
        if (this.nextPosition <= last) yield [this.#missing(segment, last)];
        if (segment.lastPosition === undefined) return;
      }
    } finally {
      this.#view.liveReaders.delete(this);
    }
  }

  async *#readSegment(segment: Segment): AsyncGenerator<LogItem[], void, undefined> {
    let { rewrites } = segment;
    let file = await openUnlessRemoved(segment.path);
    if (!file) return;
    try {
      let offset = segment.seek(this.nextPosition);
      let wantedBytes = FIRST_CHUNK_BYTES;
      while (!this.#isDone()) {
        const available = segment.readableBytes - offset;
        if (available <= 0) {
          if (segment.lastPosition !== undefined && segment.readableBytes >= segment.sizeBytes) return;
          // A closed log is read to its end: followers see the last records too.
          if (!this.#follow || this.#view.isClosed) return;
          await this.#view.changed.wait(this.#signal);
          if (this.#lingerMs > 0 && !this.#isDone()) await delay(this.#lingerMs);
          continue;
        }
        if (rewrites !== segment.rewrites) {
          ({ rewrites } = segment);
          await file.close();
          file = await openUnlessRemoved(segment.path);
          if (!file) return;
        }
        const length = Math.min(wantedBytes, available);
        const recent = segment.recent?.read(offset, Math.min(Math.max(wantedBytes, CHUNK_BYTES), available));
        const chunk = recent
          ? new ReadChunk(recent)
          : await (this.#view.reads?.read(file, segment, offset, length) ?? readChunk(file, offset, length));
        const bytesRead = chunk.bytes.length;
        // Someone cut the file from outside: what is missing shows as a gap.
        if (bytesRead === 0) return;
        const items: LogItem[] = [];
        const state = { isAtEnd: bytesRead >= available, isSealed: recent !== undefined || segment.isFresh };
        const consumed = this.#parse(segment, chunk, offset, state, items);
        offset += consumed;
        wantedBytes = Math.max(CHUNK_BYTES, this.#scanner.neededBytes);
        if (items.length > 0) yield items;
        else chunk.release();
      }
    } finally {
      await file?.close();
    }
  }

  /** Puts the records of a chunk into `items` and returns how many bytes are done with. */
  #parse(
    segment: Segment,
    source: ReadChunk,
    offset: number,
    { isAtEnd, isSealed }: { isAtEnd: boolean; isSealed: boolean },
    items: LogItem[],
  ): number {
    const scanner = this.#scanner;
    const chunk = source.bytes;
    let at = 0;
    scanner.neededBytes = 0;
    while (at < chunk.length) {
      const status = scanner.scan(chunk, at, chunk.length, isSealed && !this.#isLost);
      if (status === "record") {
        this.#isLost = false;
        const { position } = scanner;
        segment.note(position, offset + at);
        if (position > this.#limit) {
          items.push(this.#missing(segment, this.#limit));
          return at;
        }
        if (position > this.nextPosition) items.push(this.#missing(segment, position - 1));
        if (scanner.isTombstone && position >= this.nextPosition) {
          addDeleted(items, position);
          this.nextPosition = position + 1;
        } else if (position >= this.nextPosition) {
          items.push(new LogRecord(position, source, scanner.payloadStart, scanner.payloadEnd));
          this.nextPosition = position + 1;
        }
        if (this.nextPosition > this.#limit) return scanner.payloadEnd;
        at = scanner.payloadEnd;
        continue;
      }
      // A length that was damaged may ask for bytes that will never be: only believed while there is more to read.
      if (status === "short" && !isAtEnd) return at;
      this.#isLost = true;
      const marker = findMarker(chunk, at + 1, chunk.length);
      at = marker === -1 ? Math.max(at + 1, chunk.length - 3) : marker;
    }
    scanner.neededBytes = 0;
    return at;
  }

  #isDone(): boolean {
    return this.nextPosition > this.#limit || this.#signal?.aborted === true;
  }

  #missing(segment: Segment, to: number): LogGap {
    // Removed before it could be opened.
    if (segment.isRemoved) return this.#gapUpTo(to, "retention");
    this.#view.report({ kind: "corrupt", segment: segment.path, from: this.nextPosition, to });
    return this.#gapUpTo(to, "corrupt");
  }

  #gapUpTo(to: number, reason: LogGap["gap"]["reason"]): LogGap {
    const from = this.nextPosition;
    this.gapRecords += to - from + 1;
    this.nextPosition = to + 1;
    return { gap: { from, to, reason } };
  }
}

/** Deletions stand beside one another: told as one, and not as a loss. */
function addDeleted(items: LogItem[], position: number): void {
  const last = items.at(-1);
  if (last !== undefined && "gap" in last && last.gap.reason === "deleted" && last.gap.to === position - 1)
    last.gap.to = position;
  else items.push({ gap: { from: position, to: position, reason: "deleted" } });
}

/** Undefined where retention removed the file since it was chosen: the segment is out of the list then. */
async function openUnlessRemoved(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
