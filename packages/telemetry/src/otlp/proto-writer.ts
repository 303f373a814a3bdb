import { halvesOf } from "./int64.ts";
import type { Int64 } from "./model.ts";

const MIN_BYTES = 1024;
/** Below this, writing a text byte by byte is quicker than a call into the runtime. */
const SHORT_TEXT = 48;
const TWO_32 = 0x1_0000_0000;

/**
 * Writes protobuf: fields with their tags into a buffer that grows. A tag is `field << 3 | wireType`; all but {@link fixed32} take
 * one of a single byte, so fields up to 15.
 *
 * A nested message is written in place: {@link begin} leaves room for its length, {@link end} fills it in and moves the message
 * where the guess was wrong. Nothing is measured beforehand.
 */
export class ProtoWriter {
  #buffer: Buffer;
  #at = 0;

  /** @param sizeHint bytes that will be about enough */
  constructor(sizeHint: number = MIN_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, sizeHint));
  }

  /** What was written; the writer is not used after. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
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
      buffer[at++] = (nibble(digits.charCodeAt(index)) << 4) | nibble(digits.charCodeAt(index + 1));
    }
    this.#at = at;
  }

  bytes(tag: number, bytes: Uint8Array): void {
    this.#ensure(bytes.length + 11);
    this.#buffer[this.#at++] = tag;
    this.#varint32(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
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
    this.#buffer.writeDoubleLE(value, this.#at + 1);
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
    for (const value of values) this.#at = this.#buffer.writeDoubleLE(value, this.#at);
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
    const buffer = this.#buffer;
    const at = this.#at;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    buffer[at + 2] = value >>> 16;
    buffer[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  #ensure(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

function nibble(code: number): number {
  // 0-9 are 0x30…, a-f 0x61…, A-F 0x41…
  return code < 0x40 ? code & 0xf : (code & 0xf) + 9;
}
