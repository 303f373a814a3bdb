/**
 * Walks the JSON of one event of the log: finds its fields and writes its attributes on the way. Does what `OtelEventScan` does, for the
 * events that nearly all are; of any other it says so, and JavaScript begins anew.
 */
import {
  beginAttribute,
  beginTextValue,
  count,
  endText,
  next,
  putBool,
  putDouble,
  putInt,
  setAttributes,
} from "./attributes";
import {
  ATTRIBUTES,
  ATTRIBUTES_BYTES,
  ENDS,
  KINDS,
  LEAD_LENGTHS,
  LEADS,
  MAX_ATTRIBUTES,
  NAME_INDICES,
  NUMBERS,
  POWERS_OF_TEN,
  SLOTS,
  SLOTS_BY_NAME,
  STARTS,
} from "./memory";
import { beginText, copyToStop, endOfNested, endOfText, findStop, hasWideBytes, unescapeTo } from "./text";
import {
  findField,
  findType,
  flagsOf,
  HAS_FRACTIONS,
  IS_ATTRIBUTE,
  IS_SAID_AGAIN,
  isAt,
  nameIndex,
  nameLength,
  typeIndex,
} from "./types";

/** What came of an event: all was found; it has to be looked at by JavaScript; it has a type or a field that was not learned. */
export const DONE: i32 = 0;
export const GIVEN_UP: i32 = -1;
export const UNKNOWN: i32 = -2;
// Above 0 it is the slot of an object or an array, whose attributes JavaScript writes before it goes on with `resume`.

/** As `KIND` has them. */
const ASCII: u8 = 1;
const UTF8: u8 = 2;
const ESCAPED: u8 = 3;
const NUMBER: u8 = 4;
const TRUE: u8 = 5;
const FALSE: u8 = 6;
const NULL: u8 = 7;
const NESTED: u8 = 8;

const SEQ: i32 = 1;
const TYPE: i32 = 3;
const FIRST_OF_DATA: i32 = 11;
/** So many digits are exact as a number, and so is a power of ten of as many. */
const EXACT_DIGITS: i32 = 15;
/** Of all keys of an event, with what is around them. */
const MAX_KEYS_BYTES: i32 = MAX_ATTRIBUTES * 180;
const MAX_SAFE_INTEGER: f64 = 9007199254740991;

/** What JavaScript makes of the text of a number. */
declare function parseNumber(start: i32, end: i32): f64;

/** Of the event that was scanned. */
export let type: i32 = 0;
/** One behind its last slot. */
let endSlot: i32 = FIRST_OF_DATA;
let limit: i32 = 0;
let position: i32 = 0;
let previous: i32 = 0;

export function slotsEnd(): i32 {
  return endSlot;
}

/** The number of its type; -1 where that was not learned. */
export function scannedType(): i32 {
  return type === 0 ? -1 : typeIndex(type);
}

export function attributeCount(): i32 {
  return count;
}

export function attributesEnd(): i32 {
  return next;
}

/** Begins with the event from `start` to `end`. */
export function scan(start: i32, end: i32): i32 {
  limit = end;
  endSlot = FIRST_OF_DATA;
  previous = 0;
  type = 0;
  setAttributes(ATTRIBUTES, 0);
  if (load<u16>((end - 2) as usize) !== 0x7d7d) return GIVEN_UP;
  let at = start;
  for (let slot = 0; slot < FIRST_OF_DATA; slot++) {
    at = lead(slot, at);
    if (at === -1) return GIVEN_UP;
    if (slot === SEQ) at = scanNumber(slot, at);
    else at = load<u8>(at as usize) === 0x22 ? scanText(slot, at + 1) : -1;
    if (at === -1) return GIVEN_UP;
  }
  if (load<u8>((KINDS + TYPE) as usize) !== ASCII) return GIVEN_UP;
  // With its quotes.
  type = findType(load<i32>((STARTS + TYPE * 4) as usize) - 1, load<i32>((ENDS + TYPE * 4) as usize) + 1);
  if (type === 0) return UNKNOWN;
  at = lead(FIRST_OF_DATA, at);
  if (at === -1) return GIVEN_UP;
  if (load<u8>(at as usize) === 0x7d) return at === limit - 2 ? DONE : GIVEN_UP;
  position = at;
  return scanFields();
}

/** Goes on behind an object or array, whose attributes JavaScript has written: they end at `at`, and with them there are `written`. */
export function resume(at: i32, written: i32): i32 {
  if (at + (limit - position) + MAX_KEYS_BYTES > ATTRIBUTES + ATTRIBUTES_BYTES) return GIVEN_UP;
  setAttributes(at, written);
  const going = behindValue();
  return going === GOES_ON ? scanFields() : going;
}

const GOES_ON: i32 = 1;

/** What is behind a value: DONE, GOES_ON with another field, GIVEN_UP. */
function behindValue(): i32 {
  const byte = load<u8>(position as usize);
  if (byte === 0x2c) {
    position++;
    return GOES_ON;
  }
  return byte === 0x7d && position === limit - 2 ? DONE : GIVEN_UP;
}

function scanFields(): i32 {
  while (true) {
    const slot = endSlot;
    const field = findField(type, previous, position);
    if (field === 0) return UNKNOWN;
    if (slot === SLOTS || count === MAX_ATTRIBUTES) return GIVEN_UP;
    previous = field;
    endSlot = slot + 1;
    store<i16>((NAME_INDICES + slot * 2) as usize, nameIndex(field) as i16);
    store<u16>((SLOTS_BY_NAME + nameIndex(field) * 2) as usize, slot as u16);
    const at = scanField(slot, field, position + nameLength(field));
    if (at === -1) return GIVEN_UP;
    position = at;
    if (load<u8>((KINDS + slot) as usize) === NESTED && (flagsOf(field) & IS_ATTRIBUTE) !== 0) return slot;
    const going = behindValue();
    if (going !== GOES_ON) return going;
  }
}

function scanField(slot: i32, field: i32, at: i32): i32 {
  const flags = flagsOf(field);
  const byte = load<u8>(at as usize) as i32;
  if ((flags & IS_ATTRIBUTE) === 0) return byte === 0x22 ? scanText(slot, at + 1) : scanPlain(slot, byte, at);
  const isSaidAgain = (flags & IS_SAID_AGAIN) !== 0;
  if (byte === 0x22) {
    beginAttribute(isSaidAgain);
    return writeText(slot, field, at + 1);
  }
  const end = scanPlain(slot, byte, at);
  if (end === -1) return -1;
  const kind = load<u8>((KINDS + slot) as usize);
  if (kind === NESTED || kind === NULL) return end;
  beginAttribute(isSaidAgain);
  if (kind !== NUMBER) {
    putBool(field, kind === TRUE);
    return end;
  }
  const value = load<f64>((NUMBERS + slot * 8) as usize);
  const isInteger = Math.abs(value) <= MAX_SAFE_INTEGER && trunc(value) === value;
  if (isInteger && (flags & HAS_FRACTIONS) === 0) putInt(field, value as i64);
  else putDouble(field, value);
  return end;
}

/** What is no text. */
function scanPlain(slot: i32, byte: i32, at: i32): i32 {
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return scanNumber(slot, at);
  if (byte === 0x5b || byte === 0x7b) return found(slot, NESTED, at, endOfNested(at, limit));
  if (byte === 0x74) return found(slot, TRUE, at, at + 4);
  if (byte === 0x66) return found(slot, FALSE, at, at + 5);
  return byte === 0x6e ? found(slot, NULL, at, at + 4) : -1;
}

function found(slot: i32, kind: u8, start: i32, end: i32): i32 {
  store<u8>((KINDS + slot) as usize, kind);
  store<i32>((STARTS + slot * 4) as usize, start);
  store<i32>((ENDS + slot * 4) as usize, end);
  return end;
}

function scanText(slot: i32, start: i32): i32 {
  beginText();
  let at = findStop(start, limit);
  let kind: u8 = hasWideBytes ? UTF8 : ASCII;
  if (at < limit && load<u8>(at as usize) !== 0x22) {
    kind = ESCAPED;
    at = endOfText(at, limit);
  }
  if (at === -1 || at >= limit) return -1;
  found(slot, kind, start, at);
  return at + 1;
}

/** Looks for the end of a text while it copies it. */
function writeText(slot: i32, field: i32, start: i32): i32 {
  beginText();
  const to = beginTextValue(field);
  let at = copyToStop(to, start, limit);
  if (at >= limit) return -1;
  let end = to + (at - start);
  let kind: u8 = hasWideBytes ? UTF8 : ASCII;
  if (load<u8>(at as usize) !== 0x22) {
    kind = ESCAPED;
    const stop = endOfText(at, limit);
    if (stop === -1) return -1;
    end = unescapeTo(end, at, stop);
    if (end === -1) return -1;
    at = stop;
  }
  found(slot, kind, start, at);
  endText(field, end);
  return at + 1;
}

function scanNumber(slot: i32, start: i32): i32 {
  const isNegative = load<u8>(start as usize) === 0x2d;
  let at = isNegative ? start + 1 : start;
  let digits = 0;
  let pointAt = -1;
  let whole: i64 = 0;
  for (; at < limit; at++) {
    const digit = (load<u8>(at as usize) as i32) - 0x30;
    if (digit >= 0 && digit <= 9) {
      whole = whole * 10 + digit;
      digits++;
    } else if (digit === -2) pointAt = at;
    else break;
  }
  let value: f64;
  if (digits > EXACT_DIGITS || load<u8>(at as usize) === 0x65) {
    at = endOfNumber(at);
    value = parseNumber(start, at);
  } else {
    if (digits === 0) return -1;
    value = whole as f64;
    // Both are exact, so their quotient is the number that is nearest to what stands there.
    if (pointAt !== -1) value /= load<f64>((POWERS_OF_TEN + (at - pointAt - 1) * 8) as usize);
    if (isNegative) value = -value;
  }
  store<f64>((NUMBERS + slot * 8) as usize, value);
  return found(slot, NUMBER, start, at);
}

function endOfNumber(start: i32): i32 {
  let at = start;
  for (; at < limit; at++) {
    const byte = load<u8>(at as usize) as i32;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && byte !== 0x2e && byte !== 0x2b && byte !== 0x2d && (byte | 0x20) !== 0x65) break;
  }
  return at;
}

/** Where it goes on behind what is in front of a value; -1 where something else stands there. */
function lead(index: i32, at: i32): i32 {
  const length = load<u8>((LEAD_LENGTHS + index) as usize) as i32;
  return isAt(at, LEADS + index * 16, length) ? at + length : -1;
}
