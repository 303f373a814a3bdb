import type { AttributeMemory } from "../../otlp/attribute-block.ts";
import { ProtoWriter } from "../../otlp/proto-writer.ts";
import { DATA_LEAD, LEADS } from "../../scan/event-scan.ts";
import { POWERS_OF_TEN } from "../../scan/json-bytes.ts";
import { MAX_NAMES } from "../../scan/name-table.ts";
import type { Slots } from "../../scan/scan-value.ts";
import { BINARY } from "./binary.ts";

/** What `wasm/index.ts` exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  scan(start: number, end: number): number;
  resume(at: number, written: number): number;
  scannedType(): number;
  slotsEnd(): number;
  attributeCount(): number;
  attributesEnd(): number;
  timestampMicros(): number;
  learnSecond(micros: number): void;
  writeSpan(startMicros: number, endMicros: number, attributes: number, ids: number, tail: number): number;
  writtenTo(): number;
  clearIdentities(): void;
  identity(): number;
  addType(index: number, length: number, head: number): number;
  addField(type: number, index: number, flags: number, name: number, key: number): number;
}
type Addresses = Readonly<Record<string, { readonly value: number }>>;

/** Of the engine; Node's types have it only where those of a browser are. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** What came of an event; above 0 it is the slot of an object or array, whose attributes are to be written before it goes on. */
export const SCANNED = { DONE: 0, GIVEN_UP: -1, UNKNOWN: -2 } as const;

/** What a field of a type becomes, as bits. */
export const FIELD = { IS_ATTRIBUTE: 1, HAS_FRACTIONS: 2, IS_SAID_AGAIN: 4 } as const;

let compiled: object | undefined;

/** Not where WebAssembly is switched off (`node --jitless`). */
function compile(): object | undefined {
  if (typeof WebAssembly === "undefined") return undefined;
  compiled ??= new WebAssembly.Module(Buffer.from(BINARY, "base64"));
  return compiled;
}

/**
 * Scans events and writes spans in WebAssembly, which looks at sixteen bytes at a time and has no objects on its way. It knows the types
 * and the fields that it was taught, and leaves to its caller what is rare. Of one event at a time, as an `EventScan`.
 */
export class CompiledScan {
  /** All of its memory: where events, attributes and spans stand. */
  readonly memory: Buffer;
  /** The slots that it fills. */
  readonly slots: Slots;
  readonly nameIndices: Int16Array;
  /** By a name's number. */
  readonly slotsByName: Uint16Array;
  /** Where the attributes of an event stand. */
  readonly attributes: AttributeMemory;
  readonly core: Exports;
  readonly #addresses: Addresses;
  readonly #tail: Buffer;
  #tailWriter: ProtoWriter;
  readonly #inputAt: number;
  readonly #inputBytes: number;
  readonly #attributesAt: number;
  /** What was copied to its memory: this, from there to there. */
  #loaded: Buffer | undefined;
  #loadedFrom = 0;
  #loadedTo = 0;

  /** Undefined where the engine has no WebAssembly. */
  static create(): CompiledScan | undefined {
    const module = compile();
    return module === undefined ? undefined : new CompiledScan(module);
  }

  private constructor(module: object) {
    const parseNumber = (start: number, end: number): number =>
      Number(this.memory.toString("latin1", start, end));
    const { exports } = new WebAssembly.Instance(module, { scan: { parseNumber } });
    this.core = exports as Exports;
    this.#addresses = exports as Addresses;
    const { buffer } = this.core.memory;
    this.memory = Buffer.from(buffer);
    const [slots, most] = [this.#address("SLOTS"), this.#address("MAX_ATTRIBUTES")];
    this.slots = {
      kinds: new Uint8Array(buffer, this.#address("KINDS"), slots),
      starts: new Int32Array(buffer, this.#address("STARTS"), slots),
      ends: new Int32Array(buffer, this.#address("ENDS"), slots),
      numbers: new Float64Array(buffer, this.#address("NUMBERS"), slots),
    };
    this.nameIndices = new Int16Array(buffer, this.#address("NAME_INDICES"), slots);
    this.slotsByName = new Uint16Array(buffer, this.#address("SLOTS_BY_NAME"), MAX_NAMES);
    this.attributes = {
      bytes: Buffer.from(buffer, this.#address("ATTRIBUTES"), this.#address("ATTRIBUTES_BYTES")),
      starts: new Int32Array(buffer, this.#address("ATTRIBUTE_STARTS"), most),
      marks: new Uint8Array(buffer, this.#address("ATTRIBUTE_MARKS"), most),
    };
    this.#tail = Buffer.from(buffer, this.#address("TAIL"), this.#address("TAIL_BYTES"));
    this.#tailWriter = new ProtoWriter(this.#tail);
    this.#inputAt = this.#address("INPUT");
    this.#inputBytes = this.#address("INPUT_BYTES");
    this.#attributesAt = this.#address("ATTRIBUTES");
    this.#prepare(buffer);
  }

  /**
   * Where an event stands in its memory, to which it is copied if it is not there; -1 where it is too large.
   *
   * @param ahead how many bytes behind `start` will be asked for next, probably
   */
  load(bytes: Buffer, start: number, end: number, ahead: number): number {
    if (bytes !== this.#loaded || start < this.#loadedFrom || end > this.#loadedTo) {
      if (end - start > this.#inputBytes) return -1;
      const to = Math.min(bytes.length, start + Math.min(this.#inputBytes, Math.max(ahead, end - start)));
      bytes.copy(this.memory, this.#inputAt, start, to);
      this.#loaded = bytes;
      this.#loadedFrom = start;
      this.#loadedTo = to;
    }
    return this.#inputAt + start - this.#loadedFrom;
  }

  /** Lets go of what was copied. */
  unload(): void {
    this.#loaded = undefined;
  }

  /** Begins with what is added to a span: ids in place of the event's, if there are any, then what comes behind its attributes. */
  beginTail(): ProtoWriter {
    if (!this.isTailWhole) this.#tailWriter = new ProtoWriter(this.#tail);
    this.#tailWriter.clear();
    return this.#tailWriter;
  }

  /** Whether there was room for all that was added. */
  get isTailWhole(): boolean {
    return this.#tailWriter.buffer === this.#tail;
  }

  /** How many bytes the event's attributes are. */
  get attributesBytes(): number {
    return this.core.attributesEnd() - this.#attributesAt;
  }

  /** Goes on with an event behind attributes that were written here. */
  resume(count: number, bytes: number): number {
    return this.core.resume(this.#attributesAt + bytes, count);
  }

  /**
   * Teaches it a type; returns what {@link CompiledScan.learnField} wants, 0 where there is no room.
   *
   * @param name with its quotes
   * @param head of its spans; undefined where it has none that is the same for all
   */
  learnType(index: number, name: Buffer, head: Uint8Array | undefined): number {
    const at = this.core.addType(index, name.length, head?.length ?? -1);
    if (at === 0) return 0;
    this.memory.set(name, at);
    if (head !== undefined) this.memory.set(head, at + this.#address("typeHeadOffset"));
    return at;
  }

  /**
   * @param flags of {@link FIELD}
   * @param name with its quotes
   * @param key by `encodeKey`
   */
  learnField(type: number, index: number, flags: number, name: Buffer, key: Uint8Array): void {
    const quoted = Buffer.concat([name, Buffer.from(":")]);
    const at = this.core.addField(type, index, flags, quoted.length, key.length);
    if (at === 0) return;
    this.memory.set(quoted, at);
    this.memory.set(key, at + this.#address("fieldKeyOffset"));
  }

  #address(name: string): number {
    return this.#addresses[name]!.value;
  }

  #prepare(buffer: ArrayBuffer): void {
    new Float64Array(buffer, this.#address("POWERS_OF_TEN"), POWERS_OF_TEN.length).set(POWERS_OF_TEN);
    const leads = [...LEADS.slice(0, -1), DATA_LEAD];
    for (const [index, lead] of leads.entries()) {
      this.memory.set(lead, this.#address("LEADS") + index * 16);
      this.memory[this.#address("LEAD_LENGTHS") + index] = lead.length;
    }
  }
}
