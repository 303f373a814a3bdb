/** JSON's texts: where they end, and what they say. */

const QUOTE: i32 = 0x22;
const BACKSLASH: i32 = 0x5c;

/** Set by what looks at a text: whether a byte of it was not ASCII. */
export let hasWideBytes: bool = false;

export function beginText(): void {
  hasWideBytes = false;
}

/** Where the next quote or backslash stands; at or behind `limit` where there is none. */
export function findStop(start: i32, limit: i32): i32 {
  const quotes = i8x16.splat(QUOTE as i8);
  const backslashes = i8x16.splat(BACKSLASH as i8);
  let at = start;
  for (; at < limit; at += 16) {
    const bytes = v128.load(at as usize);
    const stops = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)));
    const wide = i8x16.bitmask(bytes);
    if (stops !== 0) {
      const index = ctz(stops);
      if ((wide & ((1 << index) - 1)) !== 0) hasWideBytes = true;
      return at + index;
    }
    if (wide !== 0) hasWideBytes = true;
  }
  return limit;
}

/** As {@link findStop}, and copies what is before it, and up to 15 bytes more, to `target`. */
export function copyToStop(target: i32, start: i32, limit: i32): i32 {
  const quotes = i8x16.splat(QUOTE as i8);
  const backslashes = i8x16.splat(BACKSLASH as i8);
  let to = target;
  let at = start;
  for (; at < limit; at += 16, to += 16) {
    const bytes = v128.load(at as usize);
    v128.store(to as usize, bytes);
    const stops = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)));
    const wide = i8x16.bitmask(bytes);
    if (stops !== 0) {
      const index = ctz(stops);
      if ((wide & ((1 << index) - 1)) !== 0) hasWideBytes = true;
      return at + index;
    }
    if (wide !== 0) hasWideBytes = true;
  }
  return limit;
}

/** Where the quote of a text stands, from inside of it or from a backslash in it; -1 where there is none before `limit`. */
export function endOfText(start: i32, limit: i32): i32 {
  let at = findStop(start, limit);
  // What is behind a backslash is text, also where it is a quote.
  while (at < limit && load<u8>(at as usize) === BACKSLASH) at = findStop(at + 2, limit);
  return at < limit ? at : -1;
}

/** Where the object or array that begins at `start` has ended; -1 where it has not before `limit`. */
export function endOfNested(start: i32, limit: i32): i32 {
  let depth = 0;
  for (let at = start; at < limit; at++) {
    const byte = load<u8>(at as usize) as i32;
    if (byte === QUOTE) {
      at = endOfText(at + 1, limit);
      if (at === -1) return -1;
      // 0x5b, 0x5d, 0x7b, 0x7d: brackets and braces.
    } else if ((byte | 0x20) === 0x7b) depth++;
    else if ((byte | 0x20) === 0x7d && --depth === 0) return at + 1;
  }
  return -1;
}

/**
 * Writes what a text says from a backslash in it on, in UTF-8, to `target`; returns where that has ended. Half of a surrogate pair
 * becomes U+FFFD. -1 for an escape that JSON has not.
 */
export function unescapeTo(target: i32, start: i32, end: i32): i32 {
  let to = target;
  let at = start;
  while (at < end) {
    const byte = load<u8>(at as usize) as i32;
    if (byte !== BACKSLASH) {
      store<u8>(to as usize, byte as u8);
      to++;
      at++;
      continue;
    }
    const letter = load<u8>((at + 1) as usize) as i32;
    if (letter === 0x75) {
      let code = hexOf(at + 2, end);
      if (code < 0) return -1;
      at += 6;
      if ((code & 0xfc00) === 0xd800) {
        const isPaired = at + 6 <= end && load<u16>(at as usize) === 0x755c;
        const low = isPaired ? hexOf(at + 2, end) : -1;
        if ((low & 0xfc00) === 0xdc00) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        } else code = 0xfffd;
      } else if ((code & 0xfc00) === 0xdc00) code = 0xfffd;
      to = putCharacter(to, code);
      continue;
    }
    const plain = characterOf(letter);
    if (plain === 0) return -1;
    store<u8>(to as usize, plain as u8);
    to++;
    at += 2;
  }
  return to;
}

/** What an escape of one letter stands for; 0 where there is none. */
function characterOf(letter: i32): i32 {
  switch (letter) {
    case 0x22:
    case 0x2f:
    case 0x5c:
      return letter;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return 0;
  }
}

/** The number of four hexadecimal digits; -1 where they are none. */
function hexOf(start: i32, end: i32): i32 {
  if (start + 4 > end) return -1;
  let value = 0;
  for (let at = start; at < start + 4; at++) {
    const digit = nibbleOf(load<u8>(at as usize) as i32);
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

/** What a hexadecimal digit stands for; -1 of another character. */
export function nibbleOf(code: i32): i32 {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function putCharacter(to: i32, code: i32): i32 {
  if (code < 0x80) {
    store<u8>(to as usize, code as u8);
    return to + 1;
  }
  if (code < 0x800) {
    store<u8>(to as usize, (0xc0 | (code >> 6)) as u8);
    store<u8>((to + 1) as usize, (0x80 | (code & 0x3f)) as u8);
    return to + 2;
  }
  if (code < 0x10000) {
    store<u8>(to as usize, (0xe0 | (code >> 12)) as u8);
    store<u8>((to + 1) as usize, (0x80 | ((code >> 6) & 0x3f)) as u8);
    store<u8>((to + 2) as usize, (0x80 | (code & 0x3f)) as u8);
    return to + 3;
  }
  store<u8>(to as usize, (0xf0 | (code >> 18)) as u8);
  store<u8>((to + 1) as usize, (0x80 | ((code >> 12) & 0x3f)) as u8);
  store<u8>((to + 2) as usize, (0x80 | ((code >> 6) & 0x3f)) as u8);
  store<u8>((to + 3) as usize, (0x80 | (code & 0x3f)) as u8);
  return to + 4;
}
