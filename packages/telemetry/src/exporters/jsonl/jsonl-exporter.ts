import { rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Checkpoint, EventBatch, Exporter, ExportResult } from "../../delivery/exporter.ts";
import type { LogEvent } from "../../delivery/log-event.ts";
import { encodeMark } from "./file-mark.ts";
import type { JsonlFile } from "./jsonl-file.ts";
import type { JsonlSettings } from "./jsonl-settings.ts";
import { openFile, resumeFile, statIfThere, syncDirectory } from "./open-file.ts";
import { findRepeated } from "./repeated-lines.ts";
import { RotatedFiles } from "./rotated-files.ts";

const NEWLINE = 0x0a;
/** Batches up to this size share a buffer that stays. */
const KEPT_BUFFER_BYTES = 2 * 1024 * 1024;
/** How much of a file's end may be left of an attempt that was cut short. */
const DOUBTFUL_BYTES = 32 * 1024 * 1024;

/** A batch that was written and may be given again: nobody has said yet that it is committed. */
interface Attempt {
  readonly file: JsonlFile;
  /** The file's length before it. */
  readonly before: number;
  readonly lastPosition: number;
  /** False where something went wrong: it is given again for certain. */
  isWhole: boolean;
}

/**
 * Lines in a file, each event once. The batch that comes next tells that the one before is committed; until then that one can
 * still be taken back: by us, when it is given again, or by the next process (see `resumeFile`).
 *
 * The file is put aside behind the batch that fills it, so that what is written is always in a file that was committed before: the
 * mark of the new, empty one goes into the commit of that batch. A file may be larger than `rotateSizeBytes` by a part of a batch.
 */
export class JsonlExporter implements Exporter {
  readonly #settings: JsonlSettings;
  #file: JsonlFile | undefined;
  #rotated: RotatedFiles;
  #attempt: Attempt | undefined;
  #buffer = Buffer.alloc(0);
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws what the file system throws. */
  static async open(settings: JsonlSettings, checkpoint: Checkpoint | undefined): Promise<JsonlExporter> {
    return new JsonlExporter(settings, await resumeFile(settings, checkpoint));
  }

  private constructor(settings: JsonlSettings, file: JsonlFile) {
    this.#settings = settings;
    this.#file = file;
    this.#rotated = this.#rotatedOf(file);
    this.#rotated.tidy();
  }

  export(batch: EventBatch, { signal }: { readonly signal: AbortSignal }): Promise<ExportResult> {
    // One after the other, also where nobody waits for the one before any more: it cannot be called off.
    const result = this.#turn.then(() => this.#export(batch, signal));
    this.#turn = result;
    return result;
  }

  async shutdown(): Promise<void> {
    await this.#turn;
    const files = new Set([this.#attempt?.file, this.#file]);
    this.#attempt = undefined;
    this.#file = undefined;
    for (const file of files) await file?.close();
    await this.#rotated.settled();
  }

  /** Never rejects. */
  async #export(batch: EventBatch, signal: AbortSignal): Promise<ExportResult> {
    if (signal.aborted) return { status: "retry", reason: "given up before it was its turn" };
    try {
      return { status: "ok", checkpoint: await this.#write(batch) };
    } catch (error) {
      const { path } = this.#settings;
      return { status: "retry", reason: `cannot write to ${path}: ${(error as Error).message}` };
    }
  }

  async #write({ events }: EventBatch): Promise<Checkpoint> {
    await this.#settleAttempt(events);
    const file = await this.#currentFile();
    await this.#resolveDoubt(file, events);
    const length = this.#encode(events);
    const attempt = {
      file,
      before: file.length,
      lastPosition: events.at(-1)?.position ?? 0,
      isWhole: false,
    };
    this.#attempt = attempt;
    await file.append(this.#buffer, length);
    if (this.#settings.fsync) await file.sync();
    const { rotateSizeBytes } = this.#settings;
    const isFull = rotateSizeBytes > 0 && file.length + length > rotateSizeBytes;
    const current = isFull && file.isMarked ? await this.#rotate(file) : file;
    attempt.isWhole = true;
    if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = Buffer.alloc(0);
    return encodeMark(current.mark);
  }

  /** The batch before is committed, or taken back where it comes again. */
  async #settleAttempt(events: readonly LogEvent[]): Promise<void> {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    const isRepeated = !attempt.isWhole || (events[0]?.position ?? 0) <= attempt.lastPosition;
    if (isRepeated) await attempt.file.cut(attempt.before);
    else if (this.#file !== undefined) this.#file.isMarked = true;
    this.#attempt = undefined;
    if (attempt.file === this.#file) return;
    // It was put aside behind this batch, and is what it will be now.
    await attempt.file.close();
    this.#rotated.held = undefined;
    this.#rotated.tidy();
  }

  /** The file at the path; another one than before where somebody renamed or removed that. */
  async #currentFile(): Promise<JsonlFile> {
    const file = this.#file;
    if (file !== undefined) {
      const there = await statIfThere(this.#settings.path);
      if (there?.ino === file.ino && there.dev === file.dev) {
        await file.follow(Number(there.size));
        return file;
      }
      this.#file = undefined;
      await file.close();
    }
    this.#file = await openFile(this.#settings, false);
    if (this.#file.path !== file?.path) this.#rotated = this.#rotatedOf(this.#file);
    return this.#file;
  }

  /** Puts the file aside and begins a new one. */
  async #rotate(file: JsonlFile): Promise<JsonlFile> {
    const aside = await this.#rotated.nextPath(Date.now());
    this.#rotated.held = aside;
    await rename(file.path, aside);
    this.#file = undefined;
    this.#file = await openFile(this.#settings, false);
    if (this.#settings.fsync) await syncDirectory(dirname(aside));
    return this.#file;
  }

  async #resolveDoubt(file: JsonlFile, events: readonly LogEvent[]): Promise<void> {
    if (file.doubt === undefined) return;
    const { length } = file;
    const payloads = events.map(({ payload }) => payload);
    // One byte more than is looked at tells whether that begins with a line.
    const read = await file.readBefore(length, DOUBTFUL_BYTES + 1);
    const isAll = read.length <= DOUBTFUL_BYTES;
    const end = isAll ? read : read.subarray(1);
    const isWhole = isAll || read[0] === NEWLINE;
    const { keep, needsNewline } = findRepeated(end, isWhole, payloads, file.doubt.isOurs);
    if (keep < end.length) await file.cut(length - end.length + keep);
    if (needsNewline) await file.append(Buffer.from("\n"), 1);
    file.doubt = undefined;
  }

  /** Puts the events' lines into the buffer; returns how many bytes they are. */
  #encode(events: readonly LogEvent[]): number {
    let length = events.length;
    for (const { payload } of events) length += payload.length;
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(length);
    const buffer = this.#buffer;
    let offset = 0;
    for (const { payload } of events) {
      offset += payload.copy(buffer, offset);
      buffer[offset++] = NEWLINE;
    }
    return length;
  }

  #rotatedOf(file: JsonlFile): RotatedFiles {
    return new RotatedFiles(file.path, this.#settings.rotateFiles, this.#settings.gzip);
  }
}
