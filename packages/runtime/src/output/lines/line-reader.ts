import { incompleteTail } from "../record.ts";
import { countNewlines } from "./count-newlines.ts";

/** What is told of one line; the rest of it is counted. */
export const MAX_LINE_BYTES: number = 8 * 1024;
const NEWLINE = 10;
const RETURN = 13;
const NOTHING = Buffer.alloc(0);

export interface LineSink {
  /** Whether another line is taken. */
  hasRoom(): boolean;
  /** @param cutFromBytes how many bytes the line had, where this is only its beginning */
  line(text: string, cutFromBytes: number | undefined): void;
  leftOut(lines: number, bytes: number): void;
}

/**
 * Cuts the bytes of one stream into lines, however they come: ended by \n or \r\n, decoded as UTF-8. Holds no more than
 * {@link MAX_LINE_BYTES} of a line that goes on; what the sink has no room for is counted and not looked at.
 */
export class LineReader {
  readonly #sink: LineSink;
  /** Of the line under way: its beginning, and how many bytes it has so far. */
  #beginning: Buffer = NOTHING;
  #held = 0;
  #bytes = 0;
  #lastByte = 0;
  /** The line under way is left out already. */
  #isLeftOut = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#sink.hasRoom()) return this.#leaveOut(bytes, at);
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline === -1 ? bytes.length : newline;
      const isWhole = newline !== -1 && this.#bytes === 0 && !this.#isLeftOut;
      if (this.#isLeftOut) this.#sink.leftOut(newline === -1 ? 0 : 1, end - at + (newline === -1 ? 0 : 1));
      else if (isWhole) this.#tell(bytes.subarray(at, end), end - at, bytes[end - 1] as number);
      else this.#hold(bytes.subarray(at, end));
      if (newline === -1) return;
      if (!isWhole) this.#end();
      at = newline + 1;
    }
  }

  /** Nothing comes behind it: a last line needs no end. */
  finish(): void {
    if (this.#isLeftOut) this.#sink.leftOut(1, 0);
    else if (this.#bytes > 0 && !this.#sink.hasRoom()) this.#sink.leftOut(1, this.#bytes);
    else if (this.#bytes > 0) this.#tellHeld();
    this.#reset();
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0) return;
    const wanted = Math.min(MAX_LINE_BYTES, this.#held + piece.length);
    if (wanted > this.#beginning.length) {
      const larger = Buffer.allocUnsafe(Math.min(MAX_LINE_BYTES, 2 * wanted));
      this.#beginning.copy(larger, 0, 0, this.#held);
      this.#beginning = larger;
    }
    this.#held += piece.copy(this.#beginning, this.#held, 0, wanted - this.#held);
    this.#bytes += piece.length;
    this.#lastByte = piece[piece.length - 1] as number;
  }

  #end(): void {
    if (!this.#isLeftOut) this.#tellHeld();
    this.#reset();
  }

  #tellHeld(): void {
    this.#tell(this.#beginning.subarray(0, this.#held), this.#bytes, this.#lastByte);
  }

  /** @param beginning of the line, at least {@link MAX_LINE_BYTES} where it has so many */
  #tell(beginning: Buffer, bytes: number, lastByte: number): void {
    const size = bytes > 0 && lastByte === RETURN ? bytes - 1 : bytes;
    if (size <= MAX_LINE_BYTES) return this.#sink.line(beginning.toString("utf8", 0, size), undefined);
    const kept = beginning.subarray(0, MAX_LINE_BYTES);
    this.#sink.line(kept.toString("utf8", 0, kept.length - incompleteTail(kept)), size);
  }

  #leaveOut(bytes: Buffer, from: number): void {
    this.#sink.leftOut(countNewlines(bytes, from), this.#bytes + bytes.length - from);
    const isInLine = bytes[bytes.length - 1] !== NEWLINE;
    this.#reset();
    this.#isLeftOut = isInLine;
  }

  #reset(): void {
    this.#beginning = NOTHING;
    this.#held = 0;
    this.#bytes = 0;
    this.#isLeftOut = false;
  }
}
