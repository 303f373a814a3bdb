import type { RuntimeEvent } from "@sandglass/protocol";
import type { LogRecord } from "../log/log-record.ts";
import { parseEvent } from "../record/parse-event.ts";

/** One event on its way to a destination: the bytes of the log, parsed when someone looks inside. */
export class LogEvent {
  /** Its place in the log. */
  readonly position: number;
  /** What holds its bytes, from `start` to `end`, and others'. */
  bytes: Buffer;
  start: number;
  end: number;
  #payload: Buffer | undefined;
  #event: RuntimeEvent | undefined;

  constructor(position: number, bytes: Buffer, start: number = 0, end: number = bytes.length) {
    this.position = position;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  static of({ position, chunk, start, end }: LogRecord): LogEvent {
    return new LogEvent(position, chunk, start, end);
  }

  /** Its JSON in UTF-8, as in the log: no newline in it, none at its end. */
  get payload(): Buffer {
    this.#payload ??= this.bytes.subarray(this.start, this.end);
    return this.#payload;
  }

  get sizeBytes(): number {
    return this.end - this.start;
  }

  /** Lets go of the memory that its bytes share with others'. `copy` holds the same. */
  moveTo(copy: Buffer): void {
    this.bytes = copy;
    this.start = 0;
    this.end = copy.length;
    this.#payload = copy;
  }

  /** Throws for a record that is no event; what exporters are given has been looked at (see `DeliveryTraits.needsEvents`). */
  get event(): RuntimeEvent {
    const event = this.parse();
    if (event === undefined) throw new Error(`the record at position ${this.position} is no event`);
    return event;
  }

  /** Undefined for a record that is no event. */
  parse(): RuntimeEvent | undefined {
    this.#event ??= parseEvent(this.bytes.toString("utf8", this.start, this.end));
    return this.#event;
  }
}
