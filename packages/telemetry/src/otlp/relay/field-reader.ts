import { FIXED32, FIXED64, LEN, VARINT } from "../wire.ts";

const NO_BYTES = new Uint8Array();
/** What a varint of 64 bits needs, written as short as can be. */
const LONGEST_VARINT = 10;

/**
 * Walks the fields of one message where it lies: it knows where each begins and ends, and reads no value. Where `next` says
 * false the message is over or broken, and {@link problem} tells which. Nothing is thrown, and nothing is read beyond `end`.
 *
 * Stricter than most readers, because what is passed on has to mean the same to all of them. Tags and lengths take at most five
 * bytes (protobufjs reads ten where there are more than five), but need not be the shortest. Groups are refused: they left
 * protobuf before OTLP began.
 */
export class FieldReader {
  /** Number of the field, and its wire type. */
  field = 0;
  wireType = 0;
  /** Where the field's tag begins. */
  fieldStart = 0;
  /** Where its value begins, behind tag and length. */
  valueStart = 0;
  /** Where the field ends, and the next begins. */
  at = 0;
  end = 0;
  /** What is wrong with the message, and at which of its bytes. Undefined as long as nothing is. */
  problem: string | undefined = undefined;
  problemAt = 0;
  #bytes: Uint8Array = NO_BYTES;

  /** Begins with the message in `bytes[start, end)`. */
  enter(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.at = start;
    this.end = end;
    this.problem = undefined;
  }

  /** Lets go of the bytes. */
  leave(): void {
    this.#bytes = NO_BYTES;
  }

  next(): boolean {
    if (this.at >= this.end) return false;
    this.fieldStart = this.at;
    const tag = this.#varint32();
    if (tag < 0) return false;
    this.wireType = tag & 7;
    this.field = tag >>> 3;
    if (this.field === 0) return this.refuse("a field has number 0");
    switch (this.wireType) {
      case LEN:
        return this.#skipSized();
      case VARINT:
        return this.#skipVarint();
      case FIXED64:
        return this.#skipFixed(8);
      case FIXED32:
        return this.#skipFixed(4);
      default:
        return this.refuse(`wire type ${this.wireType} is none of proto3`);
    }
  }

  /** True where the field is of this wire type; else that becomes the problem. */
  expect(wireType: number): boolean {
    return (
      this.wireType === wireType ||
      this.refuse(`field ${this.field} has wire type ${this.wireType}, not ${wireType}`)
    );
  }

  /** Notes a problem with the field that {@link next} came to. @returns false */
  refuse(problem: string, at: number = this.fieldStart): false {
    this.problem = problem;
    this.problemAt = at;
    return false;
  }

  #skipSized(): boolean {
    const length = this.#varint32();
    if (length < 0) return false;
    if (length > this.end - this.at) return this.refuse("a field is longer than what holds it");
    this.valueStart = this.at;
    this.at += length;
    return true;
  }

  #skipFixed(size: number): boolean {
    if (size > this.end - this.at) return this.refuse("a field is longer than what holds it");
    this.valueStart = this.at;
    this.at += size;
    return true;
  }

  #skipVarint(): boolean {
    const bytes = this.#bytes;
    this.valueStart = this.at;
    const limit = Math.min(this.end, this.at + LONGEST_VARINT);
    let at = this.at;
    while (at < limit) {
      const byte = bytes[at++]!;
      if (byte >= 0x80) continue;
      if (at - this.at === LONGEST_VARINT && byte > 1) return this.refuse("a number has more than 64 bits");
      this.at = at;
      return true;
    }
    return this.refuse(limit === this.end ? "a number is cut short" : "a number has more than 64 bits");
  }

  /** A tag or a length. -1 where that is a problem. */
  #varint32(): number {
    const bytes = this.#bytes;
    const start = this.at;
    if (start < this.end) {
      const first = bytes[start]!;
      if (first < 0x80) {
        this.at = start + 1;
        return first;
      }
    }
    let value = 0;
    let at = start;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= this.end) return this.#refuseVarint("a tag or a length is cut short");
      const byte = bytes[at++]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    return this.#refuseVarint("a tag or a length has more than 32 bits");
  }

  #refuseVarint(problem: string): number {
    this.refuse(problem);
    return -1;
  }
}
