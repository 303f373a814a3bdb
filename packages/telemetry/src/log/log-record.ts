import type { ReadChunk } from "./read-chunk.ts";

/** One record as a reader of the log gives it out. */
export class LogRecord {
  readonly position: number;
  /** What it was read with. */
  readonly source: ReadChunk;
  /** Its bytes are from here on in those of `source`; the others are its neighbours'. */
  readonly start: number;
  readonly end: number;

  constructor(position: number, source: ReadChunk, start: number, end: number) {
    this.position = position;
    this.source = source;
    this.start = start;
    this.end = end;
  }

  /** What holds its bytes, from `start` to `end`. */
  get chunk(): Buffer {
    return this.source.bytes;
  }

  /** Shares memory with its neighbours; copy what is kept for long. Made when it is asked for, which not every reader does. */
  get payload(): Buffer {
    return this.chunk.subarray(this.start, this.end);
  }
}
