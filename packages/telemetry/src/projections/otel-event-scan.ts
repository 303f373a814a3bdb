import type { RuntimeEvent } from "@sandglass/protocol";
import { AttributeBlock } from "../otlp/attribute-block.ts";
import {
  beginTextAttribute,
  endTextAttribute,
  writeBoolAttribute,
  writeDoubleAttribute,
  writeIntAttribute,
} from "../otlp/encode-attribute.ts";
import { writeKeyValues } from "../otlp/encode-common.ts";
import { SPAN } from "../otlp/encode-traces.ts";
import type { KeyValue } from "../otlp/model.ts";
import { EventScan } from "../scan/event-scan.ts";
import { textEnd, unescapeTo } from "../scan/json-bytes.ts";
import type { NameTable } from "../scan/name-table.ts";
import { KIND, scanValue } from "../scan/scan-value.ts";
import { valueAt } from "../scan/scanned-value.ts";
import { type CompiledScan, SCANNED } from "./compiled/compiled-scan.ts";
import { Lessons } from "./compiled/lessons.ts";
import { appendValue } from "./otel-attributes.ts";
import { derivedAttributes } from "./otel-derived-attributes.ts";
import { type FieldPlan, TypePlan } from "./otel-type-plan.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds the fields of an event and writes its attributes on the way: each byte of the data is looked at once. Nearly all events are
 * scanned by a `CompiledScan`, if there is one; what that gives up is scanned here.
 */
export class OtelEventScan extends EventScan {
  /** What `attributesOf` says of the event. */
  readonly attributes: AttributeBlock;
  /** How much of what is behind an event will be asked for next, bytes. */
  ahead = 0;
  readonly #compiled: CompiledScan | undefined;
  readonly #lessons: Lessons | undefined;
  readonly #plans: TypePlan[] = [];
  #plan!: TypePlan;
  #event!: RuntimeEvent;
  #typeIndex = -1;
  #isCompiled = false;
  #isUnknown = false;

  constructor(names: NameTable, compiled?: CompiledScan) {
    super(names);
    this.#compiled = compiled;
    this.#lessons = compiled && new Lessons(compiled);
    this.attributes = new AttributeBlock(compiled?.attributes);
  }

  /** Of the event's type. */
  get plan(): TypePlan {
    return this.#plan;
  }

  /** What has scanned the event, and has all of its attributes; undefined where that was done here. */
  get compiled(): CompiledScan | undefined {
    return this.#isCompiled && this.attributes.isShared ? this.#compiled : undefined;
  }

  override open(bytes: Buffer, start: number, end: number): boolean {
    this.#isCompiled = false;
    this.#isUnknown = false;
    if (this.#compiled !== undefined) {
      const at = this.#compiled.load(bytes, start, end, this.ahead);
      if (at !== -1 && this.#openCompiled(this.#compiled, at, at + end - start)) return true;
    }
    return super.open(bytes, start, end);
  }

  override get foundType(): number {
    return this.#isCompiled ? this.#compiled!.core.scannedType() : -1;
  }

  override begin(typeIndex: number, event: RuntimeEvent): void {
    this.#event = event;
    this.#typeIndex = typeIndex;
    if (typeIndex === -1) this.#plan = new TypePlan(event.type);
    else this.#plan = this.#plans[typeIndex] ??= new TypePlan(event.type);
    if (this.#isCompiled) this.#writeDerived();
    else this.attributes.clear();
  }

  protected override finish(): void {
    if (this.#isUnknown && this.#typeIndex !== -1) this.#lessons?.learn(this.#typeIndex, this.#plan, this);
    this.#writeDerived();
  }

  protected override scanField(slot: number, at: number): number {
    const field = this.#plan.fieldAt(this, slot);
    if (field === null) return scanValue(this.bytes, at, this.end, this, slot);
    if (this.bytes[at] === QUOTE) return this.#scanText(slot, at + 1, field);
    const next = scanValue(this.bytes, at, this.end, this, slot);
    if (next !== -1) this.#writeField(slot, field);
    return next;
  }

  #openCompiled(compiled: CompiledScan, start: number, end: number): boolean {
    const { core, slots } = compiled;
    this.forget();
    if (this.kinds !== slots.kinds) {
      ({ kinds: this.kinds, starts: this.starts, ends: this.ends, numbers: this.numbers } = slots);
      this.nameIndices = compiled.nameIndices;
      this.slotsByName = compiled.slotsByName;
      if (this.nameStarts.length < slots.starts.length) {
        this.nameStarts = new Int32Array(slots.starts.length);
        this.nameEnds = new Int32Array(slots.starts.length);
      }
    }
    this.bytes = compiled.memory;
    this.end = end;
    let status = core.scan(start, end);
    while (status > 0) status = this.#resume(compiled, status);
    this.endSlot = core.slotsEnd();
    if (status !== SCANNED.DONE) {
      this.#isUnknown = status === SCANNED.UNKNOWN;
      return this.forget();
    }
    this.attributes.adopt(core.attributeCount(), compiled.attributesBytes);
    this.isWhole = true;
    this.#isCompiled = true;
    return true;
  }

  /** Writes the attributes of the object or array in a slot, and has the rest of the event scanned. */
  #resume(compiled: CompiledScan, slot: number): number {
    const { core } = compiled;
    this.attributes.adopt(core.attributeCount(), compiled.attributesBytes);
    // It knows the type by the number that it has here.
    this.#plan = this.#plans[core.scannedType()]!;
    this.#writeField(slot, this.#plan.fieldAt(this, slot)!);
    if (!this.attributes.isShared) return SCANNED.GIVEN_UP;
    return compiled.resume(this.attributes.count, this.attributes.writer.length);
  }

  /** Looks for the end of a text while it copies it. */
  #scanText(slot: number, start: number, { key, isSaidAgain }: FieldPlan): number {
    const { bytes, end: limit } = this;
    const { writer } = this.attributes;
    this.attributes.begin(isSaidAgain);
    const textAt = beginTextAttribute(writer, SPAN.attributes, key, limit - start);
    const { buffer } = writer;
    let to = textAt;
    let at = start;
    let seen = 0;
    let byte = 0;
    for (; at < limit; at++) {
      byte = bytes[at]!;
      if (byte === QUOTE || byte === BACKSLASH) break;
      buffer[to++] = byte;
      seen |= byte;
    }
    this.starts[slot] = start;
    this.kinds[slot] = seen < 0x80 ? KIND.ASCII : KIND.UTF8;
    if (byte === BACKSLASH) {
      this.kinds[slot] = KIND.ESCAPED;
      const end = textEnd(bytes, at, limit);
      if (end === -1) return -1;
      this.ends[slot] = end;
      to = unescapeTo(buffer, to, bytes, at, end);
      // Half of a surrogate pair becomes U+FFFD: protobuf has no other strings.
      if (to === -1) to = textAt + buffer.write(valueAt(this, slot) as string, textAt, "utf8");
      at = end;
    }
    if (at === limit) return -1;
    this.ends[slot] = at;
    endTextAttribute(writer, key, textAt, to);
    return at + 1;
  }

  #writeField(slot: number, field: FieldPlan): void {
    const { key, name, hasFractions, isSaidAgain } = field;
    const kind = this.kinds[slot];
    if (kind === KIND.NESTED) {
      const list: KeyValue[] = [];
      appendValue(list, name, valueAt(this, slot));
      return this.#write(list, isSaidAgain);
    }
    if (kind === KIND.NULL) return;
    const { writer } = this.attributes;
    this.attributes.begin(isSaidAgain);
    if (kind !== KIND.NUMBER) return writeBoolAttribute(writer, SPAN.attributes, key, kind === KIND.TRUE);
    const value = this.numbers[slot]!;
    if (Number.isSafeInteger(value) && !hasFractions) writeIntAttribute(writer, SPAN.attributes, key, value);
    else writeDoubleAttribute(writer, SPAN.attributes, key, value);
  }

  #writeDerived(): void {
    const derived = derivedAttributes(this.#event);
    if (derived.length > 0) this.#write(derived, true);
  }

  #write(list: readonly KeyValue[], isSaidAgain: boolean): void {
    for (const each of list) {
      this.attributes.begin(isSaidAgain);
      writeKeyValues(this.attributes.writer, SPAN.attributes, [each]);
    }
  }
}
