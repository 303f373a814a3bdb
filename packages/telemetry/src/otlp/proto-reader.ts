import { int64Text, uint64Text } from "./int64.ts";
import { MalformedOtlpError } from "./malformed-otlp-error.ts";
import { FIXED32, FIXED64, LEN, VARINT } from "./wire.ts";

const TWO_32 = 0x1_0000_0000;

/**
 * Walks the fields of one protobuf message, in the order of their bytes.
 *
 * @throws MalformedOtlpError from every method where the bytes end early or are no protobuf
 * @example
 * const reader = new ProtoReader(body);
 * while (reader.next()) {
 *   if (reader.field === 1) name = reader.string();
 *   else reader.skip();
 * }
 */
export class ProtoReader {
  /** Number and wire type of the field that {@link next} came to; its value is read by one other call, or skipped. */
  field = 0;
  wireType = 0;
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** False at the end. */
  next(): boolean {
    if (this.#at >= this.#buffer.length) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.field === 0) throw new MalformedOtlpError("a field has number 0");
    return true;
  }

  skip(): void {
    if (this.wireType === VARINT) this.#varintHalves();
    else if (this.wireType === FIXED64) this.#take(8);
    else if (this.wireType === FIXED32) this.#take(4);
    else if (this.wireType === LEN) this.bytes();
    else throw new MalformedOtlpError(`wire type ${this.wireType} is none of proto3`);
  }

  /** Exact up to 2^53. */
  varint(): number {
    const { high, low } = this.#varintHalves();
    return high * TWO_32 + low;
  }

  uint32(): number {
    return this.#varintHalves().low;
  }

  sint32(): number {
    const bits = this.uint32();
    return (bits >>> 1) ^ -(bits & 1);
  }

  int64(): string {
    const { high, low } = this.#varintHalves();
    return int64Text(high, low);
  }

  uint64(): string {
    const { high, low } = this.#varintHalves();
    return uint64Text(high, low);
  }

  fixed32(): number {
    return this.#take(4).readUInt32LE();
  }

  fixed64(): string {
    const bytes = this.#take(8);
    return uint64Text(bytes.readUInt32LE(4), bytes.readUInt32LE(0));
  }

  sfixed64(): string {
    const bytes = this.#take(8);
    return int64Text(bytes.readUInt32LE(4), bytes.readUInt32LE(0));
  }

  double(): number {
    return this.#take(8).readDoubleLE();
  }

  string(): string {
    return this.bytes().toString("utf8");
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    return this.#take(this.varint());
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  #take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#buffer.length) throw new MalformedOtlpError("the message ends in the middle of a field");
    const taken = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #varintHalves(): { high: number; low: number } {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#buffer[this.#at++];
      if (byte === undefined) throw new MalformedOtlpError("the message ends in the middle of a number");
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return { high: high >>> 0, low: low >>> 0 };
    }
    throw new MalformedOtlpError("a number takes more than ten bytes");
  }
}
