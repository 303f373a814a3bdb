import { copyBytes, putVarint } from "./encode-bytes.ts";
import { type ProtoWriter, varintBytes } from "./proto-writer.ts";
import { FIXED64, LEN, tag, VARINT } from "./wire.ts";

const KEY = tag(1, LEN);
const VALUE = tag(2, LEN);
const STRING_VALUE = tag(1, LEN);
const BOOL_VALUE = tag(2, VARINT);
const INT_VALUE = tag(3, VARINT);
const DOUBLE_VALUE = tag(4, FIXED64);
const DOUBLE_BYTES = 9;
const BOOL_BYTES = 2;
/** Tags and lengths of a `KeyValue` and its value, at most. */
const HEAD_BYTES = 20;
/** Of a key and a text together: the length of what is around them is less than 0x80. */
const SHORT_LENGTH = 0x80 - 3;

/** All of a `KeyValue` that its key says: the key with its tag and length, and the tag of the value. */
export function encodeKey(name: string): Buffer {
  const text = Buffer.from(name);
  const key = Buffer.alloc(2 + varintBytes(text.length) + text.length);
  key[0] = KEY;
  text.copy(key, putVarint(key, 1, text.length));
  key[key.length - 1] = VALUE;
  return key;
}

/** A `KeyValue` of a text that stands in `source` as UTF-8, under `listTag`. @param key by {@link encodeKey}, as for all below */
export function writeTextAttribute(
  writer: ProtoWriter,
  listTag: number,
  key: Buffer,
  source: Buffer,
  start: number,
  end: number,
): void {
  const at = beginTextAttribute(writer, listTag, key, end - start);
  endTextAttribute(writer, key, at, copyBytes(writer.buffer, at, source, start, end));
}

/**
 * Begins a `KeyValue` of a text that the caller writes into the writer's `buffer`, from the place that is returned on; then it calls
 * {@link endTextAttribute}.
 *
 * @param maxBytes what the text is at most
 */
export function beginTextAttribute(
  writer: ProtoWriter,
  listTag: number,
  key: Buffer,
  maxBytes: number,
): number {
  const at = writer.reserve(HEAD_BYTES + key.length + maxBytes);
  const { buffer } = writer;
  buffer[at] = listTag;
  // Lengths of one byte, as most are.
  buffer.set(key, at + 2);
  const valueAt = at + 2 + key.length;
  buffer[valueAt + 1] = STRING_VALUE;
  return valueAt + 3;
}

/** @param start where the text was to begin, by {@link beginTextAttribute} @param end where it has ended */
export function endTextAttribute(writer: ProtoWriter, key: Buffer, start: number, end: number): void {
  const { buffer } = writer;
  const length = end - start;
  const at = start - key.length - 5;
  if (key.length + length < SHORT_LENGTH) {
    buffer[at + 1] = key.length + length + 3;
    buffer[start - 3] = length + 2;
    buffer[start - 1] = length;
    return writer.advance(end);
  }
  const valueLength = 1 + varintBytes(length) + length;
  const total = key.length + varintBytes(valueLength) + valueLength;
  const textAt = at + 1 + varintBytes(total) + total - length;
  buffer.copyWithin(textAt, start, end);
  const keyAt = putVarint(buffer, at + 1, total);
  buffer.set(key, keyAt);
  const valueAt = putVarint(buffer, keyAt + key.length, valueLength);
  buffer[valueAt] = STRING_VALUE;
  putVarint(buffer, valueAt + 1, length);
  writer.advance(textAt + length);
}

/** @param value a safe integer */
export function writeIntAttribute(writer: ProtoWriter, listTag: number, key: Buffer, value: number): void {
  // Of what is negative all 64 bits are set.
  writer.advance(writeKey(writer, listTag, key, 1 + (value < 0 ? 10 : int64Bytes(value))));
  writer.int64(INT_VALUE, value);
}

export function writeDoubleAttribute(writer: ProtoWriter, listTag: number, key: Buffer, value: number): void {
  writer.advance(writeKey(writer, listTag, key, DOUBLE_BYTES));
  writer.double(DOUBLE_VALUE, value);
}

export function writeBoolAttribute(writer: ProtoWriter, listTag: number, key: Buffer, value: boolean): void {
  writer.advance(writeKey(writer, listTag, key, BOOL_BYTES));
  writer.uint32(BOOL_VALUE, value ? 1 : 0);
}

/** All of a `KeyValue` but the field of its `AnyValue`, which is `valueBytes` long; returns where that is to be. */
function writeKey(writer: ProtoWriter, listTag: number, key: Buffer, valueBytes: number): number {
  const length = key.length + varintBytes(valueBytes) + valueBytes;
  let at = writer.reserve(HEAD_BYTES + length);
  const { buffer } = writer;
  buffer[at++] = listTag;
  at = putVarint(buffer, at, length);
  buffer.set(key, at);
  return putVarint(buffer, at + key.length, valueBytes);
}

function int64Bytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
