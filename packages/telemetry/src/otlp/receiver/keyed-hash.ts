import { randomBytes } from "node:crypto";

/**
 * A hash of 64 bits over a bag of byte strings: their order makes no difference. Each is hashed by HalfSipHash-1-3 with a key that
 * no sender knows, so that nobody can make two different bags look alike, and the hashes are added up.
 */
export class KeyedHash {
  /** The two halves of the sum. */
  low = 0;
  high = 0;
  readonly #key0: number;
  readonly #key1: number;

  /** @param key of 8 bytes. Default: random */
  constructor(key: Buffer = randomBytes(8)) {
    this.#key0 = key.readInt32LE(0);
    this.#key1 = key.readInt32LE(4);
  }

  /** Begins with the sum of another bag. */
  begin(low: number, high: number): void {
    this.low = low;
    this.high = high;
  }

  /** Adds `bytes[start, end)`. @param role tells strings apart that are of different meaning */
  add(role: number, bytes: Uint8Array, start: number, end: number): void {
    const key0 = this.#key0;
    const key1 = this.#key1;
    let v0 = key0;
    let v1 = key1 ^ 0xee;
    let v2 = 0x6c79_6765 ^ key0;
    let v3 = 0x7465_6462 ^ key1;
    const wholeEnd = end - ((end - start) & 3);
    // The role first, then the words of the string, the last with its length in it, then the rounds of the end.
    for (let at = start - 4; at <= wholeEnd; at += 4) {
      let word = role;
      if (at >= start) {
        word =
          at < wholeEnd
            ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
            : lastWord(bytes, start, at, end);
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    v2 ^= 0xee;
    for (let round = 0; round < 6; round++) {
      if (round === 3) {
        this.low = (this.low + (v1 ^ v3)) | 0;
        v1 ^= 0xdd;
      }
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.high = (this.high + (v1 ^ v3)) | 0;
  }
}

function lastWord(bytes: Uint8Array, start: number, at: number, end: number): number {
  let word = (end - start) << 24;
  for (let index = at; index < end; index++) word |= bytes[index]! << (8 * (index - at));
  return word;
}
