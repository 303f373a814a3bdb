import type { RuntimeEvent } from "@sandglass/protocol";
import { parseEvent } from "../record/parse-event.ts";

/** One event on its way to a destination: the bytes of the log, parsed when someone looks inside. */
export class LogEvent {
  /** Its place in the log. */
  readonly position: number;
  #payload: Buffer;
  #event: RuntimeEvent | undefined;

  constructor(position: number, payload: Buffer) {
    this.position = position;
    this.#payload = payload;
  }

  /** Its JSON in UTF-8, as in the log: no newline in it, none at its end. */
  get payload(): Buffer {
    return this.#payload;
  }

  /** Lets go of the memory that its bytes share with others'. `copy` holds the same. */
  moveTo(copy: Buffer): void {
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
    this.#event ??= parseEvent(this.#payload.toString("utf8"));
    return this.#event;
  }
}
