import { behindAttributes } from "./key-value";

// Tags of Span, with the lengths that go with some of them
const TRACE_ID: i32 = 0x100a;
const SPAN_ID: i32 = 0x0812;
const PARENT_SPAN_ID: i32 = 0x0822;
const NAME: i32 = 0x2a;
const KIND: i32 = 0x30;
const START_TIME: i32 = 0x39;
const END_TIME: i32 = 0x41;
const ATTRIBUTES: i32 = 0x4a;
const EVENTS: i32 = 0x5a;
const STATUS: i32 = 0x7a;
const FLAGS: i32 = 0x0185;
// Of Span.Event
const TIME: i32 = 0x09;
const EVENT_NAME: i32 = 0x12;
const EVENT_ATTRIBUTES: i32 = 0x1a;
// Of Status
const MESSAGE: i32 = 0x12;
const CODE: i32 = 0x18;

/** How much further than its end a beginning may be looked at: a name has up to 127 bytes. */
export const SPAN_LOOKAHEAD: i32 = 256;

/**
 * Steps over fields of a span as far as they are in the order in which nearly all are written.
 *
 * @returns where the first field begins that is none of these, or is not written as nearly all are
 */
export function behindUsualFields(start: i32, end: i32): i32 {
  let at = start;
  if ((load<u16>(at as usize) as i32) === TRACE_ID) at += 18;
  if ((load<u16>(at as usize) as i32) === SPAN_ID) at += 10;
  if ((load<u16>(at as usize) as i32) === PARENT_SPAN_ID) at += 10;
  const name = load<u16>(at as usize) as i32;
  if ((name & 0x80ff) === NAME) at += 2 + (name >> 8);
  if (((load<u16>(at as usize) as i32) & 0x80ff) === KIND) at += 2;
  if (load<u8>(at as usize) === START_TIME) at += 9;
  if (load<u8>(at as usize) === END_TIME) at += 9;
  // What is beyond the end belongs to something else: then nothing of this holds.
  if (at > end) return start;
  at = behindAttributes(ATTRIBUTES, at, end);
  while (at + 2 <= end && ((load<u16>(at as usize) as i32) & 0x80ff) === EVENTS) {
    const next = at + 2 + (load<u8>((at + 1) as usize) as i32);
    if (next > end || !isPlainEvent(at + 2, next)) return at;
    at = next;
  }
  if (at + 2 <= end && ((load<u16>(at as usize) as i32) & 0x80ff) === STATUS) {
    const next = at + 2 + (load<u8>((at + 1) as usize) as i32);
    if (next > end || !isPlainStatus(at + 2, next)) return at;
    at = next;
  }
  return at + 6 <= end && (load<u16>(at as usize) as i32) === FLAGS ? at + 6 : at;
}

function isPlainEvent(start: i32, end: i32): bool {
  let at = start;
  if (load<u8>(at as usize) === TIME) at += 9;
  const name = load<u16>(at as usize) as i32;
  if ((name & 0x80ff) === EVENT_NAME) at += 2 + (name >> 8);
  return at <= end && behindAttributes(EVENT_ATTRIBUTES, at, end) === end;
}

function isPlainStatus(start: i32, end: i32): bool {
  let at = start;
  const message = load<u16>(at as usize) as i32;
  if ((message & 0x80ff) === MESSAGE) at += 2 + (message >> 8);
  return at + 2 === end && ((load<u16>(at as usize) as i32) & 0x80ff) === CODE;
}
