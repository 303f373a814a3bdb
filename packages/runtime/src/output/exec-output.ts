import type { ExitEvent } from "@sandglass/protocol";
import { type EndedOutput, KeptOutput } from "./kept-output.ts";
import { OwnBytes } from "./own-bytes.ts";
import { RecentRecords } from "./recent-records.ts";
import {
  encodeHeader,
  exitPayload,
  incompleteTail,
  Kind,
  type OutputRecord,
  outputKind,
  RECORD_HEADER_BYTES,
} from "./record.ts";
import type { SegmentListener, SegmentWriter } from "./segment-writer.ts";
import { TailBytes } from "./tail-bytes.ts";

/** Recent records kept in memory for those who follow; whoever is further behind reads the segment. */
const RECENT_BYTES = 4 * 1024 * 1024;
/** What stays of them when the exec has ended. */
const ENDED_BYTES = 64 * 1024;
/** Shorter payloads are copied, so that they do not keep the whole chunk they came in. */
const COPY_BYTES = 4096;
/** How far the process may run ahead of the caller that started it. */
const OWNER_LAG_BYTES = 2 * 1024 * 1024;
/** How far the process may run ahead of the segment. */
const UNWRITTEN_BYTES = 8 * 1024 * 1024;
/** Of a result's JSON. */
const MAX_RESULT_BYTES = 32 * 1024 * 1024;

type Stream = "stdout" | "stderr";

export interface ExecOutputOptions {
  execId: string;
  /** The sandbox's segment; undefined keeps nothing on disk. */
  segment: SegmentWriter | undefined;
  maxBytes: number;
  /** Called once, when more than `maxBytes` were written; what is beyond is dropped. */
  onLimit(): void;
  /** The process may write this many bytes more. */
  onRoom(bytes: number): void;
  /** Called with bytes of a stream that are kept, which are not to be kept or changed beyond the call. */
  onKept(stream: Stream, bytes: Buffer): void;
}

/**
 * The stream of one exec: cuts output into records (UTF-8 safe, `seq` without gaps), keeps them in the segment, and serves any
 * number of followers. Nothing is shown to anyone before it is in the file.
 */
export class ExecOutput {
  readonly bytes: Record<Stream, number> = { stdout: 0, stderr: 0 };
  readonly #options: ExecOutputOptions;
  readonly #segment: SegmentWriter | undefined;
  readonly #listener: SegmentListener = {
    onWritten: (offset) => this.#publish(offset),
    onError: (error) => this.#failed(error),
  };
  readonly #carry: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly #tails: Record<Stream, TailBytes> = { stdout: new TailBytes(), stderr: new TailBytes() };
  readonly #own = new OwnBytes();
  readonly #filed: KeptOutput;
  readonly #recent = new RecentRecords(RECENT_BYTES);
  #unwritten: { record: OutputRecord; end: number }[] = [];
  #ownerLag: number;
  #nextSeq = 0;
  #unwrittenBytes = 0;
  #publishedSeq = 0;
  #publishedBytes = 0;
  #isComplete = false;
  #isExitShown = false;
  #writtenOffset = 0; // in the file; everything where there is none to wait for
  #endOffset = 0;
  #isOverLimit = false;
  #isReleased = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];
  #ungranted = 0;
  #owner: { read: number } | undefined;
  /** Set where the segment could not be written: what was lost from then on is said in the exec's reason. */
  writeError: Error | undefined;

  constructor(options: ExecOutputOptions) {
    this.#options = options;
    const { execId, segment } = options;
    this.#segment = segment;
    this.#filed = new KeptOutput(execId, () => (segment as SegmentWriter).path);
    this.#ownerLag = options.segment === undefined ? RECENT_BYTES / 4 : OWNER_LAG_BYTES;
    this.writeError = options.segment?.error;
    if (this.writeError === undefined) this.#segment?.listen(this.#listener);
  }

  append(stream: Stream, bytes: Buffer): void {
    const room = this.#options.maxBytes - this.bytes.stdout - this.bytes.stderr;
    this.#ungranted += bytes.length;
    if (this.#isClosed) return this.#grant(); // it came too late to be counted in the ending
    if (bytes.length > room) {
      bytes = bytes.subarray(0, room);
      if (!this.#isOverLimit) {
        this.#isOverLimit = true;
        this.#options.onLimit();
      }
    }
    if (bytes.length === 0) return this.#grant();
    this.bytes[stream] += bytes.length;
    this.#options.onKept(stream, bytes);
    this.#tails[stream].push(bytes);
    const carry = this.#carry[stream];
    const data = carry.length > 0 ? Buffer.concat([carry, bytes]) : bytes;
    const cut = data.length - incompleteTail(data);
    this.#carry[stream] = cut < data.length ? Buffer.from(data.subarray(cut)) : Buffer.alloc(0);
    if (cut > 0) {
      const whole = data.subarray(0, cut);
      this.#add(outputKind(stream, whole), cut < COPY_BYTES ? this.#own.copy(whole) : whole);
    } else {
      this.#grant();
    }
  }

  appendResult(data: Record<string, string>): void {
    if (this.#isClosed) return;
    const payload = Buffer.from(JSON.stringify(data));
    if (payload.length <= MAX_RESULT_BYTES) return this.#add(Kind.result, payload);
    // Escapes can make six bytes of one.
    const plain = `${(data["text/plain"] ?? "").slice(0, MAX_RESULT_BYTES / 8)}\u2026`;
    this.#add(Kind.result, Buffer.from(JSON.stringify({ "text/plain": plain })));
  }

  /** Sends on what was held back for the rest of a character. Nothing but the exit is taken behind it. */
  close(): void {
    this.#isClosed = true;
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#carry[stream];
      this.#carry[stream] = Buffer.alloc(0);
      if (rest.length > 0) this.#add(outputKind(stream, rest), rest);
    }
  }

  /** Resolves once all that was taken is in the file, or cannot be. */
  async written(): Promise<void> {
    this.#segment?.hurry();
    while (this.#writtenOffset < this.#endOffset) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** The last line: kept before the ending is in the log, so that a crash between them loses neither; shown by {@link showExit}. */
  appendExit(exit: Omit<ExitEvent, "seq" | "ts">): void {
    this.#add(Kind.exit, this.#own.copy(exitPayload(exit)));
  }

  /** Says it otherwise, where it could not be kept. */
  restateExit(exit: Omit<ExitEvent, "seq" | "ts">): void {
    const last = this.#unwritten.at(-1);
    if (last?.record.kind === Kind.exit) last.record = { ...last.record, payload: exitPayload(exit) };
  }

  /** Call it once the ending is in the log. */
  showExit(): void {
    this.#isExitShown = true;
    this.#publish(this.#writtenOffset);
  }

  /** Nobody holds the process back any more: it is to end, and what it wrote is to be taken. */
  release(): void {
    this.#isReleased = true;
    this.#grant();
  }

  tail(stream: Stream): string {
    return this.#tails[stream].toString();
  }

  /** Lets go of the tails: the ending has said them. */
  forgetTails(): void {
    for (const tail of Object.values(this.#tails)) tail.clear();
  }

  /** What it takes to read it again once it is over: the file where all of it is there to stay, else this. */
  ended(): EndedOutput {
    const isOnDisk = this.#segment?.isKept === true && this.writeError === undefined;
    if (!isOnDisk) return { memoryBytes: this.#recent.bytes, lines: (options) => this.lines(options) };
    return this.#filed.upTo(this.#publishedSeq);
  }

  /** See `ExecHandle.lines`. */
  async *lines(
    options: { after?: number; signal?: AbortSignal; isOwner?: boolean } = {},
  ): AsyncGenerator<string> {
    const { signal } = options;
    let seq = (options.after ?? -1) + 1;
    const owner = options.isOwner === true ? { read: 0 } : undefined;
    if (owner !== undefined) this.#owner = owner;
    const wake = (): void => this.#wake();
    signal?.addEventListener("abort", wake);
    this.#segment?.hold();
    try {
      while (signal?.aborted !== true) {
        if (seq < this.#recent.from && this.#segment !== undefined) {
          for await (const block of this.#filed.read(seq, this.#publishedSeq, signal)) {
            yield block.text;
            seq = block.next;
            this.#ownerRead(owner, block.bytes);
          }
          continue;
        }
        if (seq < this.#publishedSeq) {
          const block = this.#recent.block(Math.max(seq, this.#recent.from));
          yield block.text;
          seq = block.next;
          this.#ownerRead(owner, block.bytes);
          continue;
        }
        if (this.#isComplete) return;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      this.#segment?.letGo();
      if (owner !== undefined && this.#owner === owner) {
        this.#owner = undefined; // nobody waits for it any more: the process runs on, into the segment
        this.#grant();
      }
    }
  }

  #add(kind: number, payload: Buffer): void {
    const seq = this.#nextSeq++;
    const record = { execId: this.#options.execId, kind, seq, ts: Date.now(), payload };
    const segment = this.writeError === undefined ? this.#segment : undefined;
    const bytes = RECORD_HEADER_BYTES + payload.length;
    const begin = segment?.endOffset ?? 0;
    this.#filed.note(seq, begin);
    this.#unwritten.push({ record, end: begin + bytes });
    this.#unwrittenBytes += bytes;
    this.#endOffset = begin + bytes;
    if (segment === undefined) this.#publish(Number.POSITIVE_INFINITY);
    else segment.append([encodeHeader(record), payload], bytes);
  }

  /** Shows what is in the file up to `offset` to the followers. */
  #publish(offset: number): void {
    let count = 0;
    this.#writtenOffset = offset;
    for (const entry of this.#unwritten) {
      if (entry.end > offset || (entry.record.kind === Kind.exit && !this.#isExitShown)) break;
      count++;
      this.#recent.push(entry.record);
      this.#unwrittenBytes -= RECORD_HEADER_BYTES + entry.record.payload.length;
      this.#publishedSeq = entry.record.seq + 1;
      this.#publishedBytes += entry.record.payload.length;
      if (entry.record.kind === Kind.exit) this.#isComplete = true;
    }
    if (count === 0) return this.#wake();
    this.#unwritten.splice(0, count);
    if (this.#isComplete && this.#segment !== undefined) {
      this.#segment.unlisten(this.#listener);
      if (this.writeError === undefined) this.#recent.trim(ENDED_BYTES);
    }
    this.#wake();
    this.#grant();
  }

  #failed(error: Error): void {
    this.writeError ??= error;
    this.#ownerLag = RECENT_BYTES / 4; // nobody can catch up from the file any more
    this.#segment?.unlisten(this.#listener);
    this.#publish(Number.POSITIVE_INFINITY);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #ownerRead(owner: { read: number } | undefined, bytes: number): void {
    if (owner === undefined) return;
    owner.read += bytes;
    this.#grant();
  }

  #grant(): void {
    if (this.#ungranted === 0) return;
    const isHeld = this.#owner !== undefined && !this.#isReleased;
    if (isHeld && this.#publishedBytes - (this.#owner?.read ?? 0) > this.#ownerLag) return;
    if (this.#unwrittenBytes > UNWRITTEN_BYTES) return; // the disk is slower than the process
    const bytes = this.#ungranted;
    this.#ungranted = 0;
    this.#options.onRoom(bytes);
  }
}
