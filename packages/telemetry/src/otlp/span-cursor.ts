import { MalformedOtlpError } from "./malformed-otlp-error.ts";
import { FIXED32, FIXED64, LEN, VARINT } from "./wire.ts";

const TWO_32 = 0x1_0000_0000;
/** 2^32 nanoseconds are 4294967.296 microseconds. */
const MICROS_OF_HIGH = 4_294_967;
const NANOS_OF_HIGH = 296;

/**
 * Goes through bytes of protobuf and makes nothing on the way: `ProtoReader` makes an object for each message, and a span has a
 * message for each of its attributes and one more for its value.
 *
 * @throws MalformedOtlpError from every method where the bytes end early or are no protobuf
 */
export class SpanCursor {
  /** Where the next byte is; whoever skips a message sets it. */
  at: number;
  readonly bytes: Buffer;
  readonly end: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** A number up to 2^53, of which the rest is lost. */
  varint(): number {
    const { bytes } = this;
    const first = bytes[this.at];
    if (first === undefined) throw tooShort();
    this.at += 1;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 0x80;
    for (let count = 1; count < 10; count += 1) {
      const byte = bytes[this.at];
      if (byte === undefined) throw tooShort();
      this.at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw new MalformedOtlpError("a number takes more than ten bytes");
  }

  /** The field's number and wire type, as its tag has them: `field << 3 | type`. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8) throw new MalformedOtlpError("a field has number 0");
    return tag;
  }

  /** The end of a field of bytes, whose first is at `at` then. */
  lengthEnd(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.end) throw tooShort();
    return end;
  }

  /** Unix microseconds of nanoseconds: those beyond what a number can hold exactly are 0. */
  micros(): number {
    const start = this.#skipFixed(8);
    const low = this.bytes.readUInt32LE(start);
    const high = this.bytes.readUInt32LE(start + 4);
    // In parts that are exact: the nanoseconds themselves are not.
    const micros = high * MICROS_OF_HIGH + Math.floor((high * NANOS_OF_HIGH + low) / 1000);
    return Number.isSafeInteger(micros) ? micros : 0;
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#skipFixed(8));
  }

  hex(size: number): string {
    const end = this.lengthEnd();
    const length = end - this.at;
    if (length !== 0 && length !== size) {
      throw new MalformedOtlpError(`an id has ${length} bytes, not ${size}`);
    }
    const text = this.bytes.toString("hex", this.at, end);
    this.at = end;
    return text;
  }

  /** To be called where a message ends: its last field must not have gone beyond. */
  close(end: number): void {
    if (this.at !== end) throw tooShort();
  }

  skip(tag: number): void {
    const type = tag % 8;
    if (type === VARINT) this.varint();
    else if (type === LEN) this.at = this.lengthEnd();
    else if (type === FIXED64) this.#skipFixed(8);
    else if (type === FIXED32) this.#skipFixed(4);
    else throw new MalformedOtlpError(`wire type ${type} is none of proto3`);
  }

  #skipFixed(size: number): number {
    const start = this.at;
    if (start + size > this.end) throw tooShort();
    this.at = start + size;
    return start;
  }
}

/** An unsigned number's lowest 32 bits. */
export function low32(value: number): number {
  return value % TWO_32;
}

function tooShort(): MalformedOtlpError {
  return new MalformedOtlpError("the message ends in the middle of a field");
}
