/**
 * Walks a message down to its last value, as `ContentChecker` does, for requests as nearly all are. What it says yes to the checker does
 * as well; where it says no the checker has to look.
 */
import { behindAttributes } from "./key-value";
import { ACTIONS, COUNTED, ENDS, SHAPES } from "./memory";
import { behindUsualFields } from "./span";

/** As `content-shapes.ts` has them. */
const NUMBER: i32 = 1;
const NUMBER32: i32 = 2;
const FOUR_BYTES: i32 = 3;
const EIGHT_BYTES: i32 = 4;
const PACKED_NUMBERS: i32 = 6;
const PACKED_EIGHT_BYTES: i32 = 7;
const SIZED: i32 = 8;
const FIRST_MESSAGE: i32 = 9;

const MAX_DEPTH: i32 = 100;
const KEY_VALUE_DEPTH: i32 = 2;
/** `Span.flags`, field 16, the one known tag of two bytes. */
const FLAGS_FIRST: i32 = 0x85;
const FLAGS: i32 = 0x185;

let items: i32 = 0;

/** How many there are in the message that was sound last. */
export function itemCount(): i32 {
  return items;
}

/**
 * Whether the message of that shape from `start` to `end` is sound.
 *
 * @param keyValue the number of `KeyValue`
 * @param span the number of `Span`
 */
export function isSound(message: i32, keyValue: i32, span: i32, start: i32, stop: i32): bool {
  let depth = 0;
  let shape = ACTIONS + (message << 8);
  let end = stop;
  let at = start;
  let found = 0;
  while (true) {
    while (at === end) {
      if (depth === 0) {
        items = found;
        return true;
      }
      depth--;
      end = load<i32>((ENDS + (depth << 2)) as usize);
      shape = load<i32>((SHAPES + (depth << 2)) as usize);
    }
    const tag = load<u8>(at as usize) as i32;
    if (tag >= 0x80) {
      if (tag !== FLAGS_FIRST || at + 6 > end) return false;
      if ((load<u16>(at as usize) as i32) !== FLAGS) return false;
      if ((load<u8>((shape + FLAGS_FIRST) as usize) as i32) !== FOUR_BYTES) return false;
      at += 6;
      continue;
    }
    const action = load<u8>((shape + tag) as usize) as i32;
    if (action < SIZED) {
      at = behindValue(action, at + 1, end);
      if (at < 0) return false;
      continue;
    }
    // Attribute behind attribute: most of a request.
    if (action === keyValue && depth <= MAX_DEPTH - KEY_VALUE_DEPTH) {
      const next = behindAttributes(tag, at, end);
      if (next !== at) {
        at = next;
        continue;
      }
    }
    let from = at + 2;
    let length = load<u8>((at + 1) as usize) as i32;
    if (length >= 0x80) {
      const second = load<u8>(from++ as usize) as i32;
      length = (length & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 0x80) {
        const third = load<u8>(from++ as usize) as i32;
        if (third >= 0x80) return false;
        length |= third << 14;
      }
    }
    if (length > end - from) return false;
    at = from + length;
    if (action < FIRST_MESSAGE) continue;
    if (depth === MAX_DEPTH) return false;
    store<i32>((ENDS + (depth << 2)) as usize, end);
    store<i32>((SHAPES + (depth << 2)) as usize, shape);
    found += load<u8>((COUNTED + action) as usize) as i32;
    // What it comes back to is where this message ends.
    end = at;
    at = action === span ? behindUsualFields(from, end) : from;
    shape = ACTIONS + (action << 8);
    depth++;
  }
}

/** Behind a value that is no text and no message. -1 where it is not sound, or not known. */
function behindValue(action: i32, at: i32, end: i32): i32 {
  if (action === EIGHT_BYTES) return at + 8 <= end ? at + 8 : -1;
  if (action === NUMBER || action === NUMBER32) return behindNumber(at, action === NUMBER ? 9 : 5, end);
  if (action === FOUR_BYTES) return at + 4 <= end ? at + 4 : -1;
  if (action !== PACKED_EIGHT_BYTES && action !== PACKED_NUMBERS) return -1;
  // No longer than what two bytes can say.
  const from = behindNumber(at, 2, end);
  if (from < 0) return -1;
  let length = load<u8>(at as usize) as i32;
  if (length >= 0x80) length = (length & 0x7f) | ((load<u8>((at + 1) as usize) as i32) << 7);
  if (length > end - from) return -1;
  if (action === PACKED_EIGHT_BYTES) return (length & 7) === 0 ? from + length : -1;
  const last = from + length;
  let next = from;
  while (next >= 0 && next < last) next = behindNumber(next, 9, last);
  return next;
}

/** Behind a varint of at most so many bytes. */
function behindNumber(at: i32, bytes: i32, end: i32): i32 {
  const last = min(end, at + bytes);
  for (let next = at; next < last; next++) if (load<u8>(next as usize) < 0x80) return next + 1;
  return -1;
}
