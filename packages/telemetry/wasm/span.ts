/** Writes the span that ends with the event that was scanned, as `otel-span-writer.ts` does. */
import { copyLoosely, putVarint, varintBytes } from "./attributes";
import { ATTRIBUTES, ENDS, SECOND, SPAN, STARTS, TAIL } from "./memory";
import { type } from "./scan";
import { nibbleOf } from "./text";
import { headLength, headOf, isAt } from "./types";

const TIMESTAMP: i32 = 2;
const TRACE_ID: i32 = 8;
const SPAN_ID: i32 = 9;
const PARENT_SPAN_ID: i32 = 10;
const SPANS_TAG: u8 = 0x12;
const TRACE_ID_TAG: u8 = 0x0a;
const SPAN_ID_TAG: u8 = 0x12;
const PARENT_SPAN_ID_TAG: u8 = 0x22;
const START_TIME_TAG: u8 = 0x39;
const END_TIME_TAG: u8 = 0x41;
/** Tag and length of a span, as long as they are mostly. */
const HEAD_BYTES: i32 = 3;

/** `2026-04-18T14:00:00`, and what follows it in a timestamp of the record: `.000042Z`. */
const SECOND_LENGTH: i32 = 19;
const TIMESTAMP_LENGTH: i32 = 27;
let secondMicros: f64 = 0;

function startOf(slot: i32): i32 {
  return load<i32>((STARTS + slot * 4) as usize);
}

function endOf(slot: i32): i32 {
  return load<i32>((ENDS + slot * 4) as usize);
}

/** Microseconds since 1970 of the event; -1 where its second is not the one that was learned last. */
export function timestampMicros(): f64 {
  if (secondMicros === 0 || !isAt(startOf(TIMESTAMP), SECOND, SECOND_LENGTH)) return -1;
  const fraction = fractionMicros();
  return fraction < 0 ? -1 : secondMicros + (fraction as f64);
}

/** Keeps the second of the event's timestamp, which is at `micros`: most of those to come are in it too. */
export function learnSecond(micros: f64): void {
  const fraction = fractionMicros();
  if (fraction < 0 || micros <= 0) return;
  secondMicros = micros - (fraction as f64);
  memory.copy(SECOND, startOf(TIMESTAMP) as usize, SECOND_LENGTH);
}

/** -1 where the timestamp is not written as the recorder does. */
function fractionMicros(): i32 {
  const start = startOf(TIMESTAMP);
  if (endOf(TIMESTAMP) - start !== TIMESTAMP_LENGTH) return -1;
  let fraction = 0;
  for (let at = start + SECOND_LENGTH + 1; at < start + TIMESTAMP_LENGTH - 1; at++) {
    const digit = (load<u8>(at as usize) as i32) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    fraction = fraction * 10 + digit;
  }
  return fraction;
}

/**
 * Writes the span, with its tag; returns where it begins.
 *
 * @param startMicros whole microseconds since 1970, as `endMicros`
 * @param attributes how many bytes they are: JavaScript may have added some
 * @param ids how many bytes of what JavaScript has written are the span's id and its parent's; -1 where they are the event's
 * @param tail how many bytes of it come behind the attributes
 */
export function writeSpan(startMicros: f64, endMicros: f64, attributes: i32, ids: i32, tail: i32): i32 {
  const start = SPAN + HEAD_BYTES;
  let at = putId(start, TRACE_ID_TAG, TRACE_ID);
  if (ids < 0) {
    at = putId(at, SPAN_ID_TAG, SPAN_ID);
    at = putId(at, PARENT_SPAN_ID_TAG, PARENT_SPAN_ID);
  } else {
    copyLoosely(at, TAIL, ids);
    at += ids;
  }
  copyLoosely(at, headOf(type), headLength(type));
  at += headLength(type);
  at = putNanos(at, START_TIME_TAG, startMicros);
  at = putNanos(at, END_TIME_TAG, endMicros);
  copyLoosely(at, ATTRIBUTES, attributes);
  at += attributes;
  copyLoosely(at, TAIL + max(ids, 0), tail);
  at += tail;
  spanEnd = at;
  const length = at - start;
  // In front of it, so that the span need not be moved: its length is one byte, or two, or more.
  const begin = start - 1 - varintBytes(length);
  store<u8>(begin as usize, SPANS_TAG);
  putVarint(begin + 1, length);
  return begin;
}

let spanEnd: i32 = 0;

export function writtenTo(): i32 {
  return spanEnd;
}

function putNanos(at: i32, tag: u8, micros: f64): i32 {
  store<u8>(at as usize, tag);
  store<u64>((at + 1) as usize, (micros as u64) * 1000);
  return at + 9;
}

/** An id whose hexadecimal digits are in a slot; none where it is "". */
function putId(to: i32, tag: u8, slot: i32): i32 {
  const start = startOf(slot);
  const end = endOf(slot);
  if (end <= start) return to;
  const length = (end - start) >> 1;
  store<u8>(to as usize, tag);
  let at = putVarint(to + 1, length);
  let from = start;
  for (; from + 16 <= end; from += 16, at += 8) putHex(at, from);
  for (; from + 1 < end; from += 2, at++) {
    store<u8>(at as usize, ((nibble(from) << 4) | nibble(from + 1)) as u8);
  }
  return at;
}

/** Sixteen digits as eight bytes. */
function putHex(to: i32, from: i32): void {
  const codes = v128.load(from as usize);
  const lower = v128.or(codes, i8x16.splat(0x20));
  const isDigit = i8x16.lt_u(i8x16.sub(codes, i8x16.splat(0x30)), i8x16.splat(10));
  const isLetter = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(6));
  if (!i8x16.all_true(v128.or(isDigit, isLetter))) {
    for (let index = 0; index < 8; index++) {
      const at = from + index * 2;
      store<u8>((to + index) as usize, ((nibble(at) << 4) | nibble(at + 1)) as u8);
    }
    return;
  }
  const low = v128.and(codes, i8x16.splat(0x0f));
  const nibbles = i8x16.add(low, v128.and(isLetter, i8x16.splat(9)));
  // Of each pair the first is the low byte.
  const firsts = i16x8.shl(v128.and(nibbles, i16x8.splat(0x00ff)), 4);
  const bytes = v128.or(firsts, i16x8.shr_u(nibbles, 8));
  store<u64>(to as usize, i64x2.extract_lane(i8x16.narrow_i16x8_u(bytes, bytes), 0));
}

/** 0 of what is no digit. */
function nibble(at: i32): i32 {
  return max(nibbleOf(load<u8>(at as usize) as i32), 0);
}
