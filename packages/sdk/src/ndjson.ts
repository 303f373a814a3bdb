import { StreamError } from "./errors.ts";

const NEWLINE = 0x0a;
/** One line longer than this is not our daemon speaking; reading on would only fill memory. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;

/**
 * Splits a byte stream into the JSON values of its lines.
 *
 * Cuts at newline *bytes*: in UTF-8 no multi-byte character holds one, so a character torn between two chunks is
 * whole again before it is decoded. The rest of a line is kept as a list and joined once, when its newline comes,
 * and a byte that was searched is never searched again: a line of any length costs linear time.
 *
 * @typeParam T what the lines are trusted to be: the daemon is ours, so they are not validated.
 */
export class NdjsonParser<T> {
  #rest: Buffer[] = [];
  #restBytes = 0;
  readonly #maxLineBytes: number;

  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes of an unfinished line held back. */
  get pendingBytes(): number {
    return this.#restBytes;
  }

  /**
   * The values whose lines end in this chunk; blank lines (heartbeats) are skipped.
   *
   * @throws StreamError for a line that is not JSON, or longer than the limit
   */
  push(chunk: Buffer): T[] {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      this.#keep(chunk);
      return [];
    }
    const values: T[] = [];
    let start = 0;
    if (this.#restBytes > 0) {
      const firstEnd = chunk.indexOf(NEWLINE);
      this.#rest.push(chunk.subarray(0, firstEnd));
      const line = Buffer.concat(this.#rest, this.#restBytes + firstEnd).toString("utf8");
      this.#rest = [];
      this.#restBytes = 0;
      parseInto(values, line);
      start = firstEnd + 1;
    }
    // Whole lines are decoded together: one call into the decoder a chunk, not one a line.
    if (start < end) parseLines(values, chunk.toString("utf8", start, end));
    if (end + 1 < chunk.length) this.#keep(chunk.subarray(end + 1));
    return values;
  }

  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > this.#maxLineBytes) {
      throw new StreamError(`a line of the stream is longer than ${this.#maxLineBytes} bytes`);
    }
    this.#rest.push(bytes);
  }
}

function parseLines<T>(values: T[], text: string): void {
  let start = 0;
  for (;;) {
    const end = text.indexOf("\n", start);
    if (end === -1) break;
    parseInto(values, text.slice(start, end));
    start = end + 1;
  }
  parseInto(values, start === 0 ? text : text.slice(start));
}

function parseInto<T>(values: T[], line: string): void {
  if (line === "" || line === "\r") return;
  try {
    values.push(JSON.parse(line) as T);
  } catch (cause) {
    throw new StreamError(`a line of the stream is not JSON: ${JSON.stringify(line.slice(0, 80))}`, {
      cause,
    });
  }
}
