/** One record as a reader of the log gives it out. */
export class LogRecord {
  readonly position: number;
  /** What it was read with: its bytes are from `start` to `end`, the others are its neighbours'. */
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(position: number, chunk: Buffer, start: number, end: number) {
    this.position = position;
    this.chunk = chunk;
    this.start = start;
    this.end = end;
  }

  /** Shares memory with its neighbours; copy what is kept for long. Made when it is asked for, which not every reader does. */
  get payload(): Buffer {
    return this.chunk.subarray(this.start, this.end);
  }
}
