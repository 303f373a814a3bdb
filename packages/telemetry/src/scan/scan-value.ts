import { nestedEnd, numberEnd, POWERS_OF_TEN, textEnd } from "./json-bytes.ts";

/** What stands where a field's value is. `ASCII`, `UTF8` and `ESCAPED` are texts. */
export const KIND = {
  ABSENT: 0,
  /** What stands there is the text, a byte a character. */
  ASCII: 1,
  /** What stands there is the text. */
  UTF8: 2,
  /** There are backslashes in it. */
  ESCAPED: 3,
  NUMBER: 4,
  TRUE: 5,
  FALSE: 6,
  NULL: 7,
  /** An object or an array. */
  NESTED: 8,
} as const;

/** Where values stand, and what they are, by slot. */
export interface Slots {
  /** By `KIND`. */
  readonly kinds: Uint8Array;
  /** Where values begin and end; of a text without its quotes. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of numbers. */
  readonly numbers: Float64Array;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const LETTER_E = 0x65;
const LETTER_T = 0x74;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
/** So many digits are exact as a number, and so is a power of ten of as many. */
const EXACT_DIGITS = 15;

/** Puts the value of JSON that begins at `start` into a slot; returns where it goes on, -1 where there is none. */
export function scanValue(bytes: Buffer, start: number, limit: number, slots: Slots, slot: number): number {
  const first = bytes[start]!;
  if (first === QUOTE) return scanText(bytes, start + 1, limit, slots, slot);
  if (first === MINUS || (first >= ZERO && first <= ZERO + 9))
    return scanNumber(bytes, start, limit, slots, slot);
  let kind: number;
  let end: number;
  switch (first) {
    case OPEN_BRACE:
    case OPEN_BRACKET:
      kind = KIND.NESTED;
      end = nestedEnd(bytes, start, limit);
      break;
    case LETTER_T:
      kind = KIND.TRUE;
      end = start + 4;
      break;
    case LETTER_F:
      kind = KIND.FALSE;
      end = start + 5;
      break;
    case LETTER_N:
      kind = KIND.NULL;
      end = start + 4;
      break;
    default:
      return -1;
  }
  slots.kinds[slot] = kind;
  slots.starts[slot] = start;
  slots.ends[slot] = end;
  return end;
}

function scanText(bytes: Buffer, start: number, limit: number, slots: Slots, slot: number): number {
  let seen = 0;
  let byte = 0;
  let at = start;
  for (; at < limit; at++) {
    byte = bytes[at]!;
    if (byte === QUOTE || byte === BACKSLASH) break;
    seen |= byte;
  }
  let kind: number = seen < 0x80 ? KIND.ASCII : KIND.UTF8;
  if (byte === BACKSLASH) {
    kind = KIND.ESCAPED;
    at = textEnd(bytes, at, limit);
  }
  if (at === -1 || at >= limit) return -1;
  slots.kinds[slot] = kind;
  slots.starts[slot] = start;
  slots.ends[slot] = at;
  return at + 1;
}

function scanNumber(bytes: Buffer, start: number, limit: number, slots: Slots, slot: number): number {
  const isNegative = bytes[start] === MINUS;
  let at = isNegative ? start + 1 : start;
  let digits = 0;
  let pointAt = -1;
  let value = 0;
  for (; at < limit; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
    } else if (digit === DOT - ZERO) pointAt = at;
    else break;
  }
  if (digits > EXACT_DIGITS || bytes[at] === LETTER_E) {
    at = numberEnd(bytes, at, limit);
    value = Number(bytes.toString("latin1", start, at));
  } else {
    // Both are exact, so their quotient is the number that is nearest to what stands there.
    if (pointAt !== -1) value /= POWERS_OF_TEN[at - pointAt - 1]!;
    if (isNegative) value = -value;
  }
  slots.numbers[slot] = value;
  slots.kinds[slot] = KIND.NUMBER;
  slots.starts[slot] = start;
  slots.ends[slot] = at;
  return at;
}
