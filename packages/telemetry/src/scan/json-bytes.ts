const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 10^0 … 10^15, each exact. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/** Where the quote of a text stands, from inside of it; -1 where there is none before `limit`. */
export function textEnd(bytes: Buffer, at: number, limit: number): number {
  for (let index = at; index < limit; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) return index;
    // What is behind it is text, also where it is a quote.
    if (byte === BACKSLASH) index++;
  }
  return -1;
}

/** Where the object or array that begins at `at` has ended; -1 where it has not before `limit`. */
export function nestedEnd(bytes: Buffer, at: number, limit: number): number {
  let depth = 0;
  for (let index = at; index < limit; index++) {
    switch (bytes[index]) {
      case QUOTE:
        index = textEnd(bytes, index + 1, limit);
        if (index === -1) return -1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (--depth === 0) return index + 1;
    }
  }
  return -1;
}

/** Where a number goes on to: its digits, point, exponent and signs. */
export function numberEnd(bytes: Buffer, at: number, limit: number): number {
  let end = at;
  for (; end < limit; end++) {
    const byte = bytes[end]!;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && byte !== 0x2e && byte !== 0x2b && byte !== 0x2d && (byte | 0x20) !== 0x65) break;
  }
  return end;
}

/** What an escape of one character stands for, by that character. */
const ESCAPES = new Uint8Array(128);
for (const [letter, text] of Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" })) {
  ESCAPES[letter.charCodeAt(0)] = text.charCodeAt(0);
}
for (const itself of '"\\/') ESCAPES[itself.charCodeAt(0)] = itself.charCodeAt(0);

/**
 * Writes what a JSON text with escapes says to `target`, which has room for the text as it stands. Returns where it has ended, in UTF-8;
 * -1 where there is a `\u` in it.
 */
export function unescapeTo(target: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  let next = at;
  for (let index = start; index < end; index++) {
    let byte = bytes[index]!;
    if (byte === BACKSLASH) {
      byte = ESCAPES[bytes[++index]! & 0x7f]!;
      if (byte === 0) return -1;
    }
    target[next++] = byte;
  }
  return next;
}
