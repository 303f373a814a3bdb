/**
 * Types of events and their fields, as JavaScript has met them: each keeps what came behind it the last time, which is what comes
 * behind it now, mostly.
 */
import { FIELD_BYTES, FIELDS, MAX_FIELDS, MAX_TYPES, TYPE_BYTES, TYPES } from "./memory";

// A type: its number; its first field as they were learned, and as it comes; the length of its name with both quotes, and of the head
// of its span (-1 where there is none); the name from 32 on, the head from 128 on.
const TYPE_INDEX: usize = 0;
const TYPE_FIELDS: usize = 4;
const TYPE_EXPECTED: usize = 8;
const TYPE_LENGTH: usize = 12;
const HEAD_LENGTH: usize = 16;
const TYPE_NAME: i32 = 32;
const MAX_TYPE_NAME: i32 = 80;
const HEAD: i32 = 128;
const MAX_HEAD: i32 = 112;

// A field: the next one of its type; the one that is expected behind it; the number of its name; what it becomes; the lengths of its
// name, with quotes and colon, and of its key; the name from 16 on, the key from 96 on.
const NEXT: usize = 0;
const EXPECTED: usize = 4;
const NAME_INDEX: usize = 8;
const FLAGS: usize = 12;
const NAME_LENGTH: usize = 13;
const KEY_LENGTH: usize = 14;
const NAME: i32 = 16;
const MAX_NAME: i32 = 80;
const KEY: i32 = 96;
const MAX_KEY: i32 = 144;

/** Of a field: it is an attribute; its numbers are doubles; the event that ends the span says it too. */
export const IS_ATTRIBUTE: i32 = 1;
export const HAS_FRACTIONS: i32 = 2;
export const IS_SAID_AGAIN: i32 = 4;

let typeCount: i32 = 0;
let fieldCount: i32 = 0;
let lastType: i32 = 0;

/** Whether `length` bytes at `at` are those at `expected`, behind which there are zeros up to a multiple of 16. */
export function isAt(at: i32, expected: i32, length: i32): bool {
  let rest = length;
  let offset = 0;
  for (; rest >= 16; rest -= 16, offset += 16) {
    const same = i8x16.eq(v128.load((at + offset) as usize), v128.load((expected + offset) as usize));
    if (!i8x16.all_true(same)) return false;
  }
  if (rest === 0) return true;
  const same = i8x16.eq(v128.load((at + offset) as usize), v128.load((expected + offset) as usize));
  const wanted = (1 << rest) - 1;
  return (i8x16.bitmask(same) & wanted) === wanted;
}

/** The type whose name stands from `start` to `end`, with its quotes; 0 where it was not learned. */
export function findType(start: i32, end: i32): i32 {
  const length = end - start;
  if (lastType !== 0 && isType(lastType, start, length)) return lastType;
  for (let index = 0; index < typeCount; index++) {
    const type = TYPES + index * TYPE_BYTES;
    if (isType(type, start, length)) {
      lastType = type;
      return type;
    }
  }
  return 0;
}

function isType(type: i32, start: i32, length: i32): bool {
  return load<i32>(type as usize, TYPE_LENGTH) === length && isAt(start, type + TYPE_NAME, length);
}

export function typeIndex(type: i32): i32 {
  return load<i32>(type as usize, TYPE_INDEX);
}

/** Name and kind of its spans, encoded: where it stands. */
export function headOf(type: i32): i32 {
  return type + HEAD;
}

/** -1 where there is none. */
export function headLength(type: i32): i32 {
  return load<i32>(type as usize, HEAD_LENGTH);
}

/**
 * The field of `type` whose name stands at `at`; 0 where it was not learned.
 *
 * @param previous the field before, 0 where there is none
 */
export function findField(type: i32, previous: i32, at: i32): i32 {
  const expected =
    previous === 0 ? load<i32>(type as usize, TYPE_EXPECTED) : load<i32>(previous as usize, EXPECTED);
  if (expected !== 0 && isAt(at, expected + NAME, nameLength(expected))) return expected;
  let field = load<i32>(type as usize, TYPE_FIELDS);
  while (field !== 0 && !isAt(at, field + NAME, nameLength(field))) field = load<i32>(field as usize, NEXT);
  if (field === 0) return 0;
  if (previous === 0) store<i32>(type as usize, field, TYPE_EXPECTED);
  else store<i32>(previous as usize, field, EXPECTED);
  return field;
}

export function nameLength(field: i32): i32 {
  return load<u8>(field as usize, NAME_LENGTH) as i32;
}

export function nameIndex(field: i32): i32 {
  return load<i32>(field as usize, NAME_INDEX);
}

export function flagsOf(field: i32): i32 {
  return load<u8>(field as usize, FLAGS) as i32;
}

/** Where its key stands, by `encodeKey`. */
export function keyOf(field: i32): i32 {
  return field + KEY;
}

export function keyLength(field: i32): i32 {
  return load<u8>(field as usize, KEY_LENGTH) as i32;
}

/**
 * Learns a type; JavaScript writes its name, with quotes, to what is returned, and the head of its spans {@link typeHeadOffset}
 * behind. 0 where there is no room.
 */
export function addType(index: i32, length: i32, head: i32): i32 {
  if (typeCount === MAX_TYPES || length > MAX_TYPE_NAME || head > MAX_HEAD) return 0;
  const type = TYPES + typeCount++ * TYPE_BYTES;
  store<i32>(type as usize, index, TYPE_INDEX);
  store<i32>(type as usize, length, TYPE_LENGTH);
  store<i32>(type as usize, head, HEAD_LENGTH);
  return type + TYPE_NAME;
}

export const typeHeadOffset: i32 = HEAD - TYPE_NAME;

/**
 * Learns a field of the type whose name is at `typeName`; JavaScript writes its name, with quotes and colon, to what is returned, and
 * its key {@link fieldKeyOffset} behind. 0 where there is no room.
 */
export function addField(typeName: i32, index: i32, flags: i32, name: i32, key: i32): i32 {
  if (fieldCount === MAX_FIELDS || name > MAX_NAME || key > MAX_KEY) return 0;
  const type = typeName - TYPE_NAME;
  const field = FIELDS + fieldCount++ * FIELD_BYTES;
  store<i32>(field as usize, load<i32>(type as usize, TYPE_FIELDS), NEXT);
  store<i32>(type as usize, field, TYPE_FIELDS);
  store<i32>(field as usize, index, NAME_INDEX);
  store<u8>(field as usize, flags as u8, FLAGS);
  store<u8>(field as usize, name as u8, NAME_LENGTH);
  store<u8>(field as usize, key as u8, KEY_LENGTH);
  return field + NAME;
}

export const fieldKeyOffset: i32 = KEY - NAME;
