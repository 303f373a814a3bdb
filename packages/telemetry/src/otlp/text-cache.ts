import { bytesHash } from "./attribute-hash.ts";

/** A text that was read, with what else is wanted of it. */
export interface KnownText {
  text: string;
  /** As it stands in JSON, quoted. */
  json: string;
  /** See `textHash`. */
  hash: number;
}

interface Slot extends KnownText {
  bytes: Buffer;
}

/** A power of two. */
const SLOTS = 4096;
/** What is longer seldom comes again. */
const MAX_BYTES = 48;

/** Texts that come again and again: making a string of bytes takes longer than finding that it is known. */
export class TextCache {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined);

  read(bytes: Buffer, start: number, end: number): KnownText {
    const hash = bytesHash(bytes, start, end);
    const length = end - start;
    if (length > MAX_BYTES) return knownText(bytes.toString("utf8", start, end), hash);
    const index = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const slot = this.#slots[index];
    if (slot !== undefined && slot.hash === hash && isSame(slot.bytes, bytes, start, length)) return slot;
    const known = {
      ...knownText(bytes.toString("utf8", start, end), hash),
      bytes: Buffer.from(bytes.subarray(start, end)),
    };
    this.#slots[index] = known;
    return known;
  }
}

function knownText(text: string, hash: number): KnownText {
  return { text, json: JSON.stringify(text), hash };
}

function isSame(known: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}
