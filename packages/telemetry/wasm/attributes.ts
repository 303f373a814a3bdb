/** `KeyValue`s of protobuf, one behind the other, as `encode-attribute.ts` writes them. */
import { ATTRIBUTE_MARKS, ATTRIBUTE_STARTS, ATTRIBUTES } from "./memory";
import { keyLength, keyOf } from "./types";

/** The tag of an attribute of a span: field 9. */
const LIST_TAG: u8 = 0x4a;
const STRING_VALUE: u8 = 0x0a;
const BOOL_VALUE: u8 = 0x10;
const INT_VALUE: u8 = 0x18;
const DOUBLE_VALUE: u8 = 0x21;
/** Of a key and a text together: the length of what is around them is less than 0x80. */
const SHORT_LENGTH: i32 = 0x80 - 3;

/** Where the next attribute begins. */
export let next: i32 = ATTRIBUTES;
export let count: i32 = 0;

/** Begins an event with none, or goes on behind those that JavaScript wrote. */
export function setAttributes(at: i32, written: i32): void {
  next = at;
  count = written;
}

/** To be called before each attribute. */
export function beginAttribute(isMarked: bool): void {
  store<i32>((ATTRIBUTE_STARTS + count * 4) as usize, next - ATTRIBUTES);
  store<u8>((ATTRIBUTE_MARKS + count) as usize, isMarked ? 1 : 0);
  count++;
}

/** Begins an attribute of a text; returns where that is to be written. */
export function beginTextValue(field: i32): i32 {
  putKey(next + 2, field);
  return next + 5 + keyLength(field);
}

/** Ends an attribute whose text was written, from where {@link beginTextValue} said, to `end`. */
export function endText(field: i32, end: i32): void {
  const keyBytes = keyLength(field);
  const at = next;
  const start = at + 5 + keyBytes;
  const length = end - start;
  if (keyBytes + length < SHORT_LENGTH) {
    store<u8>(at as usize, LIST_TAG);
    store<u8>((at + 1) as usize, (keyBytes + length + 3) as u8);
    store<u8>((start - 3) as usize, (length + 2) as u8);
    store<u8>((start - 2) as usize, STRING_VALUE);
    store<u8>((start - 1) as usize, length as u8);
    next = end;
    return;
  }
  const valueLength = 1 + varintBytes(length) + length;
  const total = keyBytes + varintBytes(valueLength) + valueLength;
  const textAt = at + 1 + varintBytes(total) + total - length;
  memory.copy(textAt as usize, start as usize, length as usize);
  store<u8>(at as usize, LIST_TAG);
  const keyAt = putVarint(at + 1, total);
  memory.copy(keyAt as usize, keyOf(field) as usize, keyBytes as usize);
  const valueAt = putVarint(keyAt + keyBytes, valueLength);
  store<u8>(valueAt as usize, STRING_VALUE);
  putVarint(valueAt + 1, length);
  next = textAt + length;
}

export function putInt(field: i32, value: i64): void {
  const bytes = value < 0 ? 10 : int64Bytes(value);
  let at = beginValue(field, 1 + bytes);
  store<u8>(at as usize, INT_VALUE);
  let rest = value as u64;
  for (at++; rest >= 0x80; rest >>= 7, at++) store<u8>(at as usize, ((rest & 0x7f) | 0x80) as u8);
  store<u8>(at as usize, rest as u8);
  next = at + 1;
}

export function putDouble(field: i32, value: f64): void {
  const at = beginValue(field, 9);
  store<u8>(at as usize, DOUBLE_VALUE);
  store<f64>((at + 1) as usize, value);
  next = at + 9;
}

export function putBool(field: i32, value: bool): void {
  const at = beginValue(field, 2);
  store<u8>(at as usize, BOOL_VALUE);
  store<u8>((at + 1) as usize, value ? 1 : 0);
  next = at + 2;
}

/** All of a `KeyValue` but the field of its `AnyValue`, which is `valueBytes` long; returns where that is to be. */
function beginValue(field: i32, valueBytes: i32): i32 {
  const keyBytes = keyLength(field);
  store<u8>(next as usize, LIST_TAG);
  const keyAt = putVarint(next + 1, keyBytes + 1 + valueBytes);
  putKey(keyAt, field);
  store<u8>((keyAt + keyBytes) as usize, valueBytes as u8);
  return keyAt + keyBytes + 1;
}

function putKey(to: i32, field: i32): void {
  copyLoosely(to, keyOf(field), keyLength(field));
}

/** Copies `length` bytes and up to 15 more: what stands behind is written after. Where they overlap, `to` comes first. */
export function copyLoosely(to: i32, from: i32, length: i32): void {
  for (let done = 0; done < length; done += 16) {
    v128.store((to + done) as usize, v128.load((from + done) as usize));
  }
}

export function putVarint(to: i32, value: i32): i32 {
  let at = to;
  let rest = value as u32;
  for (; rest >= 0x80; rest >>= 7, at++) store<u8>(at as usize, ((rest & 0x7f) | 0x80) as u8);
  store<u8>(at as usize, rest as u8);
  return at + 1;
}

export function varintBytes(value: i32): i32 {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}

function int64Bytes(value: i64): i32 {
  // Seven bits a byte.
  return ((64 - (clz(value | 1) as i32) + 6) / 7) as i32;
}
