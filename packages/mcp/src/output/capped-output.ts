/** What is left of a stream of bytes. */
export interface Capped {
  /** All of it, or its beginning and its end with a line between that says how much is left out. */
  text: string;
  /** Bytes there were. */
  totalBytes: number;
  /** Bytes that are left out; 0 where the text is all there was. */
  omittedBytes: number;
}

/** UTF-8 continuation bytes look like 10xxxxxx. */
const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;
/** A UTF-8 character has four bytes at most. */
const MAX_CHARACTER_BYTES = 4;

/**
 * Gathers what a process writes, and keeps its beginning and its end only: a model reads neither a gigabyte nor its middle, and the
 * cause of a failure stands at the end. Holds about twice the limit at most, however much is added.
 */
export class CappedOutput {
  readonly #headBytes: number;
  readonly #tailBytes: number;
  readonly #head: Buffer[] = [];
  #headLength = 0;
  #tail: Buffer[] = [];
  #tailLength = 0;
  #total = 0;

  /** @param limitBytes how much to keep, half of it from the beginning */
  constructor(limitBytes: number) {
    this.#headBytes = Math.ceil(limitBytes / 2);
    this.#tailBytes = limitBytes - this.#headBytes;
  }

  add(chunk: Uint8Array): void {
    this.#total += chunk.length;
    const room = this.#headBytes - this.#headLength;
    if (room > 0) {
      // Copied: a part of a chunk would keep all of it in memory.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#head.push(part);
      this.#headLength += part.length;
    }
    if (chunk.length <= room || this.#tailBytes === 0) return;
    const rest = Buffer.from(chunk.subarray(Math.max(room, chunk.length - this.#tailBytes, 0)));
    this.#tail.push(rest);
    this.#tailLength += rest.length;
    if (this.#tailLength > 2 * this.#tailBytes) this.#compact();
  }

  /** @param name what it is, for the line that says what is left out, e.g. "stdout" */
  end(name: string): Capped {
    this.#compact();
    const head = Buffer.concat(this.#head);
    const [tail = Buffer.alloc(0)] = this.#tail;
    if (head.length + tail.length === this.#total) {
      return { text: Buffer.concat([head, tail]).toString(), totalBytes: this.#total, omittedBytes: 0 };
    }
    const first = head.subarray(0, endOfWhole(head));
    const last = tail.subarray(startOfWhole(tail));
    const omittedBytes = this.#total - first.length - last.length;
    const text = `${first.toString()}\n… [${omittedBytes} of ${this.#total} bytes of ${name} left out] …\n${last.toString()}`;
    return { text, totalBytes: this.#total, omittedBytes };
  }

  #compact(): void {
    const all = Buffer.concat(this.#tail);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#tailBytes)));
    this.#tail = [kept];
    this.#tailLength = kept.length;
  }
}

/** Where the first character begins. */
function startOfWhole(bytes: Buffer): number {
  let index = 0;
  while (index < Math.min(bytes.length, MAX_CHARACTER_BYTES - 1) && isContinuation(bytes[index])) index += 1;
  return isContinuation(bytes[index]) ? 0 : index;
}

/** Where the last character that is there as a whole ends. */
function endOfWhole(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(MAX_CHARACTER_BYTES, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    return back < lengthOf(byte) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & CONTINUATION_MASK) === CONTINUATION;
}

/** Bytes of the character that begins with this one. */
function lengthOf(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
