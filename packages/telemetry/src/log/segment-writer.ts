import { closeSync, fdatasync, ftruncateSync, openSync, unlinkSync } from "node:fs";
import {
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  Segment,
  segmentPath,
  writeBoth,
  writeFully,
} from "./segment.ts";

/** The one file that is being appended to. Writes are whole or not at all. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly fd: number;
  #mustCut = false;

  private constructor(segment: Segment, fd: number) {
    this.segment = segment;
    this.fd = fd;
  }

  /** Throws what the file system throws; leaves no file behind then. */
  static create(dir: string, firstPosition: number, nowMs: number): SegmentWriter {
    const path = segmentPath(dir, firstPosition);
    const fd = openSync(path, "w+", 0o600);
    try {
      writeFully(fd, encodeSegmentHeader(firstPosition, nowMs), SEGMENT_HEADER_BYTES, 0);
    } catch (error) {
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
    const segment = new Segment(path, firstPosition, nowMs, SEGMENT_HEADER_BYTES);
    segment.begunAt = performance.now();
    return new SegmentWriter(segment, fd);
  }

  /** Continues a segment at its `sizeBytes`; what stands behind is cut away. */
  static reopen(segment: Segment): SegmentWriter {
    const fd = openSync(segment.path, "r+");
    ftruncateSync(fd, segment.sizeBytes);
    return new SegmentWriter(segment, fd);
  }

  /**
   * Appends the first `length` bytes of `bytes`, and `rest` behind them. Synchronous: a write into the page cache is shorter than the way to a thread
   * and back. Where it fails in the middle, what was written is cut away: now, or before the next append where that fails too.
   */
  append(bytes: Buffer, length: number, rest: Uint8Array | undefined): void {
    const { segment } = this;
    this.settle();
    try {
      if (rest === undefined) writeFully(this.fd, bytes, length, segment.sizeBytes);
      else writeBoth(this.fd, bytes.subarray(0, length), rest, segment.sizeBytes);
    } catch (error) {
      this.#mustCut = true;
      try {
        this.#cut();
      } catch (cutError) {
        throw new AggregateError([error, cutError], `${message(error)}; then ${message(cutError)}`);
      }
      throw error;
    }
    segment.recent?.keep(bytes, length, segment.sizeBytes);
    segment.sizeBytes += length;
    if (rest === undefined) return;
    segment.recent?.keep(rest, rest.length, segment.sizeBytes);
    segment.sizeBytes += rest.length;
  }

  /** Takes back everything from `offset` on: now, or before the next append where that fails. */
  cutTo(offset: number): void {
    this.segment.sizeBytes = offset;
    this.#mustCut = true;
    try {
      this.#cut();
    } catch {
      // The next append says so, and is refused.
    }
  }

  /** Cuts away what is to be cut away still. Throws what the file system throws. */
  settle(): void {
    if (this.#mustCut) this.#cut();
  }

  close(): void {
    closeSync(this.fd);
  }

  #cut(): void {
    ftruncateSync(this.fd, this.segment.sizeBytes);
    this.#mustCut = false;
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** fdatasync(2): data, and of the metadata what is needed to find it. */
export function syncFileData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error ? reject(error) : resolve()));
  });
}
