const TEXT_OID = 25;
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

/** A text as the bytes of its UTF-8, one character a byte: what is cut out of bytes needs no decoding, and is written as it is. */
export type ByteText = string;

/** A `text[]` in PostgreSQL's binary format: nothing is escaped here and nothing is parsed there. */
export function textArray(values: readonly (ByteText | null)[]): Buffer {
  let size = HEADER_BYTES;
  for (const value of values) size += 4 + (value === null ? 0 : value.length);
  const array = startArray(size, values.length);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value === null ? NULL_LENGTH : value.length, at);
    if (value !== null) at += array.write(value, at, "latin1");
  }
  return array;
}

/** As {@link textArray}, of texts in UTF-8. */
export function bytesArray(values: readonly Buffer[]): Buffer {
  let size = HEADER_BYTES;
  for (const value of values) size += 4 + value.length;
  const array = startArray(size, values.length);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value.length, at);
    at += value.copy(array, at);
  }
  return array;
}

/** One dimension, that begins at 1. */
function startArray(size: number, length: number): Buffer {
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0);
  // "Has nulls": only a hint.
  array.writeInt32BE(1, 4);
  array.writeInt32BE(TEXT_OID, 8);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
