import type { RuntimeEvent } from "@sandglass/protocol";
import { textEnd } from "./json-bytes.ts";
import { MAX_NAMES, NameTable } from "./name-table.ts";
import { KIND, type Slots, scanValue } from "./scan-value.ts";

/** The slots of an event's own fields, in the order that the recorder writes them. Behind them are those of its data. */
export const SLOT = {
  ID: 0,
  SEQ: 1,
  TIMESTAMP: 2,
  TYPE: 3,
  LEVEL: 4,
  ORG_ID: 5,
  SANDBOX_ID: 6,
  RUN_ID: 7,
  TRACE_ID: 8,
  SPAN_ID: 9,
  PARENT_SPAN_ID: 10,
} as const;
export const FIRST_OF_DATA = 11;

/** What the recorder writes in front of each of them, and of the data. */
export const ENVELOPE_FIELDS = [
  "id",
  "seq",
  "timestamp",
  "type",
  "level",
  "orgId",
  "sandboxId",
  "runId",
  "traceId",
  "spanId",
  "parentSpanId",
  "data",
] as const;
export const LEADS: readonly Buffer[] = ENVELOPE_FIELDS.map((name, index) =>
  Buffer.from(`${index === 0 ? "{" : ","}"${name}":`),
);

export const DATA_LEAD: Buffer = Buffer.from(`,"data":{`);

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSE_BRACE = 0x7d;
/** To begin with. */
const FIELDS = 64;

/**
 * Where the fields of one event stand in its JSON, and what they are, found without making an object or a string of anything. Reads
 * the JSON that the recorder writes: no white space, the event's own fields in the order of {@link ENVELOPE_FIELDS}. Of one event at a
 * time: what it says holds until the next is begun.
 *
 * It trusts that the bytes are JSON, as the log's checksum lets it: it finds the fields, it does not look for mistakes.
 */
export class EventScan implements Slots {
  bytes: Buffer = Buffer.alloc(0);
  /** Where the event ends. */
  end = 0;
  readonly names: NameTable;
  /** One behind the last slot of the data. */
  endSlot: number = FIRST_OF_DATA;
  kinds: Uint8Array = new Uint8Array(FIELDS);
  /** Where values begin and end; of a text without its quotes. */
  starts: Int32Array = new Int32Array(FIELDS);
  ends: Int32Array = new Int32Array(FIELDS);
  /** Of numbers. */
  numbers: Float64Array = new Float64Array(FIELDS);
  /** Names of the data's fields, as `names` has them; -1 is one that it has not. */
  nameIndices: Int16Array = new Int16Array(FIELDS);
  /** Where names that have no number stand, with their quotes. */
  nameStarts: Int32Array = new Int32Array(FIELDS);
  nameEnds: Int32Array = new Int32Array(FIELDS);
  readonly firstSlot: number = FIRST_OF_DATA;
  /** By a name's number: the slot it has in this event's data; 0 where it has none. */
  protected slotsByName: Uint16Array = new Uint16Array(MAX_NAMES);
  /** Whether all of the event was looked at. */
  protected isWhole: boolean = false;
  #at = 0;

  constructor(names: NameTable = new NameTable()) {
    this.names = names;
  }

  /** Begins with an event: finds its own fields up to its type. False where the recorder would have written it otherwise. */
  open(bytes: Buffer, start: number, end: number): boolean {
    this.forget();
    this.bytes = bytes;
    this.end = end;
    this.#at = start;
    return (
      bytes[end - 1] === CLOSE_BRACE &&
      bytes[end - 2] === CLOSE_BRACE &&
      this.#fields(SLOT.ID, SLOT.TYPE) &&
      this.kinds[SLOT.SEQ] === KIND.NUMBER &&
      this.kinds[SLOT.TYPE] === KIND.ASCII
    );
  }

  /** Finds the rest of its own fields and those of its data, if that was not done. False where the recorder would have written them otherwise. */
  openAll(): boolean {
    if (this.isWhole) return true;
    this.isWhole = this.#fields(SLOT.LEVEL, SLOT.PARENT_SPAN_ID) && this.#data();
    if (this.isWhole) this.finish();
    return this.isWhole;
  }

  /** Puts the value of the field in a slot of the data there; returns where it goes on, -1 where there is none. */
  protected scanField(slot: number, at: number): number {
    return scanValue(this.bytes, at, this.end, this, slot);
  }

  #data(): boolean {
    const { bytes, names } = this;
    const limit = this.end;
    let at = this.#literal(DATA_LEAD, this.#at);
    if (at === -1) return false;
    if (bytes[at] === CLOSE_BRACE) return at === limit - 2;
    let previous = -1;
    for (let slot = FIRST_OF_DATA; ; slot++) {
      if (slot === this.kinds.length) this.#grow();
      let name = names.findNext(previous, bytes, at);
      if (name !== -1) at += names.lengthOf(name);
      else {
        const start = at;
        if (bytes[at] === QUOTE) at = textEnd(bytes, at + 1, limit) + 1;
        if (at <= start) return this.forget();
        name = names.find(bytes, start, at);
        if (name !== -1) names.expectNext(previous, name);
        this.nameStarts[slot] = start;
        this.nameEnds[slot] = at;
      }
      this.nameIndices[slot] = name;
      at = bytes[at] === COLON ? this.scanField(slot, at + 1) : -1;
      if (at === -1) return this.forget();
      this.endSlot = slot + 1;
      if (name !== -1) this.slotsByName[name] = slot;
      if (bytes[at] === CLOSE_BRACE) return at === limit - 2 || this.forget();
      if (bytes[at++] !== COMMA) return this.forget();
      previous = name;
    }
  }

  /** The number that {@link EventScan.begin} was given of the type before, where that was found already; else -1. */
  get foundType(): number {
    return -1;
  }

  /** Told before the data is looked at: what event it is of. */
  begin(_typeIndex: number, _event: RuntimeEvent): void {}

  /** Told when all of the event was looked at. */
  protected finish(): void {}

  /** The slot of a field of the data by its name's number; 0 where this event has none. */
  slotOf(name: number): number {
    return this.slotsByName[name]!;
  }

  /** Nothing is known of the data any more. */
  protected forget(): false {
    for (let slot = FIRST_OF_DATA; slot < this.endSlot; slot++) {
      const name = this.nameIndices[slot]!;
      if (name !== -1) this.slotsByName[name] = 0;
    }
    this.endSlot = FIRST_OF_DATA;
    this.isWhole = false;
    return false;
  }

  /** The event's own fields in these slots. */
  #fields(first: number, last: number): boolean {
    const { bytes } = this;
    const limit = this.end;
    let at = this.#at;
    for (let slot = first; slot <= last; slot++) {
      at = this.#literal(LEADS[slot]!, at);
      if (at !== -1) at = scanValue(bytes, at, limit, this, slot);
      if (at === -1) return false;
    }
    this.#at = at;
    return true;
  }

  /** Where it goes on behind `lead`; -1 where something else stands there. */
  #literal(lead: Buffer, at: number): number {
    const { bytes } = this;
    for (let index = 0; index < lead.length; index++) if (bytes[at + index] !== lead[index]) return -1;
    return at + lead.length;
  }

  #grow(): void {
    const size = this.kinds.length * 2;
    // Some may have room for more than others.
    const grown = <A extends { readonly length: number; set(from: A): void }>(next: A, from: A): A => {
      if (from.length >= next.length) return from;
      next.set(from);
      return next;
    };
    this.kinds = grown(new Uint8Array(size), this.kinds);
    this.starts = grown(new Int32Array(size), this.starts);
    this.ends = grown(new Int32Array(size), this.ends);
    this.numbers = grown(new Float64Array(size), this.numbers);
    this.nameIndices = grown(new Int16Array(size), this.nameIndices);
    this.nameStarts = grown(new Int32Array(size), this.nameStarts);
    this.nameEnds = grown(new Int32Array(size), this.nameEnds);
  }
}
