import { halvesOf } from "./int64.ts";
import type { Int64 } from "./model.ts";

const MIN_BYTES = 1024;
/** Below this, writing a text byte by byte is quicker than a call into the runtime. */
const SHORT_TEXT = 48;
const TWO_32 = 0x1_0000_0000;
/** What a hexadecimal digit stands for, by its code. */
export const NIBBLES: Uint8Array = new Uint8Array(256);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  NIBBLES[text.charCodeAt(0)] = digit;
  NIBBLES[text.toUpperCase().charCodeAt(0)] = digit;
}

/**
 * Writes protobuf: fields with their tags into a buffer that grows. A tag is `field << 3 | wireType`; all but {@link fixed32} take
 * one of a single byte, so fields up to 15.
 *
 * A nested message is written in place: {@link begin} leaves room for its length, {@link end} fills it in and moves the message
 * where the guess was wrong. Nothing is measured beforehand.
 */
export class ProtoWriter {
  #buffer: Buffer;
  /** Of the same memory: numbers get there quicker. */
  #view: DataView;
  #at = 0;

  /** @param memory to write to, or how many bytes will be about enough */
  constructor(memory: Buffer | number = MIN_BYTES) {
    this.#buffer = typeof memory === "number" ? Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, memory)) : memory;
    this.#view = viewOf(this.#buffer);
  }

  /** What was written, in the writer's own memory: it is not written to after, unless that is not looked at any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#at;
  }

  /** How many bytes it has memory for. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Begins anew, in the same memory. */
  clear(): void {
    this.#at = 0;
  }

  /** Begins a nested message; returns what {@link end} needs. @param lengthBytes how long its length, as a varint, will probably be */
  begin(tag: number, lengthBytes: number): number {
    this.#ensure(1 + lengthBytes);
    this.#buffer[this.#at] = tag;
    const mark = this.#at + 1;
    this.#at = mark + lengthBytes;
    return mark;
  }

  end(mark: number, lengthBytes: number): void {
    const start = mark + lengthBytes;
    const length = this.#at - start;
    if (lengthBytes === 1 && length < 0x80) {
      this.#buffer[mark] = length;
      return;
    }
    const needed = varintBytes(length);
    if (needed !== lengthBytes) {
      this.#ensure(Math.max(0, needed - lengthBytes));
      this.#buffer.copyWithin(mark + needed, start, this.#at);
      this.#at += needed - lengthBytes;
    }
    let rest = length;
    let at = mark;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  /** A text in UTF-8. Half of a surrogate pair becomes U+FFFD: protobuf has no other strings. */
  string(tag: number, text: string): void {
    const length = text.length;
    if (length >= SHORT_TEXT) return this.#longString(tag, text);
    this.#ensure(length * 3 + 3);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = tag;
    buffer[at++] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return this.#longString(tag, text);
      buffer[at++] = code;
    }
    this.#at = at;
  }

  /** Hexadecimal digits, an even number of them, as bytes. */
  hex(tag: number, digits: string): void {
    const count = digits.length >>> 1;
    this.#ensure(count + 11);
    this.#buffer[this.#at++] = tag;
    this.#varint32(count);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < digits.length; index += 2) {
      buffer[at++] = (NIBBLES[digits.charCodeAt(index)]! << 4) | NIBBLES[digits.charCodeAt(index + 1)]!;
    }
    this.#at = at;
  }

  bytes(tag: number, bytes: Uint8Array): void {
    this.head(tag, bytes.length);
    this.raw(bytes);
  }

  /** The tag and the length of a field whose `length` bytes are written next. */
  head(tag: number, length: number): void {
    this.#ensure(length + 6);
    this.#buffer[this.#at++] = tag;
    this.#varint32(length);
  }

  /** Fields that were encoded before, or what {@link head} is of. */
  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** As {@link ProtoWriter.raw}, of a part of `source`. */
  copyOf(source: Buffer, start: number, end: number): void {
    this.#ensure(end - start);
    this.#at += source.copy(this.#buffer, this.#at, start, end);
  }

  /** Room for `bytes` more, which the caller writes into {@link ProtoWriter.buffer} from here on; then it says with {@link ProtoWriter.advance} how far it came. */
  reserve(bytes: number): number {
    this.#ensure(bytes);
    return this.#at;
  }

  /** What is written to; another one after every call that may need room. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  advance(at: number): void {
    this.#at = at;
  }

  /** `fixed64`: a whole number of microseconds as nanoseconds, which no number can hold. Not negative, up to 2^53. */
  nanosOf(tag: number, micros: number): void {
    const high = Math.floor(micros / TWO_32);
    const low = (micros - high * TWO_32) * 1000;
    const carry = Math.floor(low / TWO_32);
    this.#ensure(9);
    this.#buffer[this.#at++] = tag;
    this.#rawUint32(low - carry * TWO_32);
    this.#rawUint32(high * 1000 + carry);
  }

  /** `uint32`, `bool` and enums. */
  uint32(tag: number, value: number): void {
    this.#ensure(11);
    this.#buffer[this.#at++] = tag;
    this.#varint32(value);
  }

  /** `sint32`. */
  sint32(tag: number, value: number): void {
    this.uint32(tag, ((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** `int64` and `uint64`. */
  int64(tag: number, value: Int64): void {
    this.#ensure(11);
    this.#buffer[this.#at++] = tag;
    this.#varint64(value);
  }

  double(tag: number, value: number): void {
    this.#ensure(9);
    this.#buffer[this.#at] = tag;
    this.#view.setFloat64(this.#at + 1, value, true);
    this.#at += 9;
  }

  /** `fixed64` and `sfixed64`. */
  fixed64(tag: number, value: Int64): void {
    this.#ensure(9);
    this.#buffer[this.#at++] = tag;
    this.#rawFixed64(value);
  }

  /** `fixed32`. @param tag also of two bytes, as it stands in the message: low byte first */
  fixed32(tag: number, value: number): void {
    this.#ensure(6);
    this.#buffer[this.#at++] = tag & 0xff;
    if (tag > 0xff) this.#buffer[this.#at++] = tag >>> 8;
    this.#rawUint32(value);
  }

  /** Repeated, packed. */
  packedFixed64(tag: number, values: readonly Int64[]): void {
    this.#ensure(values.length * 8 + 11);
    this.#buffer[this.#at++] = tag;
    this.#varint32(values.length * 8);
    for (const value of values) this.#rawFixed64(value);
  }

  /** Repeated, packed. */
  packedDouble(tag: number, values: readonly number[]): void {
    this.#ensure(values.length * 8 + 11);
    this.#buffer[this.#at++] = tag;
    this.#varint32(values.length * 8);
    for (const value of values) {
      this.#view.setFloat64(this.#at, value, true);
      this.#at += 8;
    }
  }

  /** Repeated, packed. */
  packedUint64(tag: number, values: readonly Int64[]): void {
    const mark = this.begin(tag, 1);
    this.#ensure(values.length * 10);
    for (const value of values) this.#varint64(value);
    this.end(mark, 1);
  }

  #longString(tag: number, text: string): void {
    this.#ensure(text.length * 3 + 6);
    // Right for plain ASCII, which nearly all text is.
    const lengthBytes = varintBytes(text.length);
    const mark = this.begin(tag, lengthBytes);
    this.#at += this.#buffer.write(text, this.#at, "utf8");
    this.end(mark, lengthBytes);
  }

  #varint32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #varint64(value: Int64): void {
    if (typeof value === "number" && value >= 0 && value < TWO_32) return this.#varint32(value);
    const { high, low } = halvesOf(value);
    let [rest, carry] = [low, high];
    while (carry !== 0 || rest >= 0x80) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest = ((rest >>> 7) | (carry << 25)) >>> 0;
      carry >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #rawFixed64(value: Int64): void {
    const { high, low } = halvesOf(value);
    this.#rawUint32(low);
    this.#rawUint32(high);
  }

  #rawUint32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #ensure(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
    this.#view = viewOf(grown);
  }
}

/** How many bytes a length, or any number below 2^32, is as a varint. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
