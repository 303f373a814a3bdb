import { FIXED64, LEN, tag, VARINT } from "../wire.ts";

const KEY = tag(1, LEN);
const VALUE = tag(2, LEN);
const STRING_VALUE = tag(1, LEN);
const BOOL_VALUE = tag(2, VARINT);
const INT_VALUE = tag(3, VARINT);
const DOUBLE_VALUE = tag(4, FIXED64);

/**
 * Whether `bytes[start, end)` is a sound KeyValue as nearly all are: a key and then one plain value, less than 128 bytes together.
 * False says only that it has to be looked at in the general way. Most of a request is these, so this is most of checking it.
 */
export function isPlainKeyValue(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 0x7f || end - start < 6 || bytes[start] !== KEY) return false;
  const value = start + 2 + bytes[start + 1]!;
  if (value + 4 > end || bytes[value] !== VALUE) return false;
  const inner = value + 2;
  if (bytes[value + 1] !== end - inner) return false;
  switch (bytes[inner]) {
    case STRING_VALUE:
      return bytes[inner + 1] === end - inner - 2;
    case INT_VALUE:
      return isShortNumber(bytes, inner + 1, end);
    case DOUBLE_VALUE:
      return end - inner === 9;
    case BOOL_VALUE:
      return end - inner === 2 && bytes[inner + 1]! < 0x80;
    default:
      return false;
  }
}

/** One varint of at most nine bytes, which is always one of 64 bits. */
function isShortNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const last = end - 1;
  if (last - start > 8 || bytes[last]! >= 0x80) return false;
  for (let at = start; at < last; at++) if (bytes[at]! < 0x80) return false;
  return true;
}
