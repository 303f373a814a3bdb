import type { EventType, Level, RuntimeEvent } from "@sandglass/protocol";
import type { LogEvent } from "../delivery/log-event.ts";
import { canonicalEvent } from "./canonical-event.ts";
import { type EventScan, SLOT } from "./event-scan.ts";
import { NameTable } from "./name-table.ts";
import { textAt, valueAt } from "./scanned-value.ts";

const SCAN = Symbol("scan");
/**
 * What reads each field of data by its name. One prototype of all scanned events, since the engine is quick where it finds one kind of
 * object; without one of its own, so that no field is there that the event has not.
 */
const FIELDS: object = Object.create(null);
const names = new NameTable(defineField);

function defineField(name: string, index: number): void {
  function get(this: { readonly [SCAN]: EventScan }): unknown {
    const scan = this[SCAN];
    const slot = scan.slotOf(index);
    return slot === 0 ? undefined : valueAt(scan, slot);
  }
  Object.defineProperty(FIELDS, name, { get });
}

/**
 * An event as its JSON in the log says, each field made when it is asked for: to whoever reads fields by their names, it is an event.
 * What cannot be had of its data is which fields there are (`in`, `Object.keys`). Of one event at a time: what it says holds until the
 * next is read.
 */
export class ScannedEvent<Scan extends EventScan = EventScan> {
  readonly scan: Scan;
  readonly #types = new NameTable();
  #typeIndex = -1;
  readonly #data: object;

  /** @param newScan makes what looks at the bytes, with the names of fields that it is given */
  constructor(newScan: (names: NameTable) => Scan) {
    this.scan = newScan(names);
    this.#data = Object.assign(Object.create(FIELDS), { [SCAN]: this.scan });
  }

  /** Goes on to another event, the rest of which is looked at when it is asked for. False where it is none. */
  open(record: LogEvent): boolean {
    if (this.scan.open(record.bytes, record.start, record.end)) return this.#begin();
    return this.#openCanonical(record);
  }

  /** Goes on to another event, all of it. False where it is none. */
  read(record: LogEvent): boolean {
    if (this.open(record) && this.scan.openAll()) return true;
    return this.#openCanonical(record) && this.scan.openAll();
  }

  /** This, as what it stands for. */
  get event(): RuntimeEvent {
    return this as unknown as RuntimeEvent;
  }

  get id(): string {
    return textAt(this.scan, SLOT.ID);
  }
  get seq(): number {
    return this.scan.numbers[SLOT.SEQ]!;
  }
  get timestamp(): string {
    return textAt(this.scan, SLOT.TIMESTAMP);
  }
  get type(): EventType {
    const index = this.#typeIndex;
    const name = index === -1 ? textAt(this.scan, SLOT.TYPE) : this.#types.nameAt(index);
    return name as EventType;
  }
  get level(): Level {
    return this.#late(SLOT.LEVEL) as Level;
  }
  get orgId(): string {
    return this.#late(SLOT.ORG_ID);
  }
  get sandboxId(): string {
    return this.#late(SLOT.SANDBOX_ID);
  }
  get runId(): string {
    return this.#late(SLOT.RUN_ID);
  }
  get traceId(): string {
    return this.#late(SLOT.TRACE_ID);
  }
  get spanId(): string {
    return this.#late(SLOT.SPAN_ID);
  }
  get parentSpanId(): string {
    return this.#late(SLOT.PARENT_SPAN_ID);
  }
  get data(): object {
    this.scan.openAll();
    return this.#data;
  }

  /** The text in a slot behind that of the type. */
  #late(slot: number): string {
    return this.scan.openAll() ? textAt(this.scan, slot) : "";
  }

  #openCanonical(record: LogEvent): boolean {
    const json = canonicalEvent(record);
    return json !== undefined && this.scan.open(json, 0, json.length) && this.#begin();
  }

  #begin(): true {
    const { bytes, starts, ends, foundType } = this.scan;
    let index = foundType;
    if (index === -1) {
      // With its quotes.
      const start = starts[SLOT.TYPE]! - 1;
      index = this.#types.findNext(this.#typeIndex, bytes, start);
      if (index === -1) {
        index = this.#types.find(bytes, start, ends[SLOT.TYPE]! + 1);
        this.#types.expectNext(this.#typeIndex, index);
      }
    }
    this.#typeIndex = index;
    this.scan.begin(index, this.event);
    return true;
  }
}
