import { crc32 } from "node:zlib";

/**
 * One record on disk:
 *
 * ```
 * offset  0  marker    4 bytes  F5 53 47 FA
 *         4  length    u32 LE   bytes of payload
 *         8  crc32     u32 LE   of everything behind it: position and payload, begun with the log's seed
 *        12  position  u64 LE   number of the record over the log's life
 *        20  payload
 * ```
 *
 * The marker is what makes recovery fast: its first and last byte cannot occur in UTF-8, so in a log of JSON a reader that
 * lost its way finds the next record with one byte search and cannot be led astray by what a record says. The position is in
 * the frame so that it stays right behind a record that had to be skipped.
 *
 * A record that was deleted is a tombstone: a frame of the same length at the same place, so that nothing behind it moves. The highest
 * bit of its length is set, and its checksum is begun with the seed's complement: no damaged bit makes one of the other.
 *
 * A log of bytes that someone else chose has a seed for its checksums, which is kept beside it and known to nobody else: who can
 * put a marker into a record still cannot make a frame that a reader would take for one.
 */
export const FRAME_HEADER_BYTES = 20;
/** Longest payload. Bounds what a damaged length can make a reader wait for. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

export const FRAME_MARKER: Buffer = Buffer.from([0xf5, 0x53, 0x47, 0xfa]);
const MARKER_WORD = FRAME_MARKER.readUInt32LE(0);
const TWO_32 = 0x1_0000_0000;
const TOMBSTONE_BIT = 0x8000_0000;

/** Fills in the header of a frame whose `length` bytes of payload already stand behind it. */
export function sealFrame(buffer: Buffer, offset: number, length: number, position: number, seed = 0): void {
  writeHeader(buffer, offset, length, position);
  const summed = buffer.subarray(offset + 12, offset + FRAME_HEADER_BYTES + length);
  buffer.writeUInt32LE(crc32(summed, seed), offset + 8);
}

/** The same where only the first `length` bytes of the payload stand behind the header: `rest` is going to follow them. */
export function sealFrameBefore(
  buffer: Buffer,
  offset: number,
  length: number,
  rest: Uint8Array,
  position: number,
  seed: number,
): void {
  writeHeader(buffer, offset, length + rest.length, position);
  const summed = buffer.subarray(offset + 12, offset + FRAME_HEADER_BYTES + length);
  buffer.writeUInt32LE(crc32(rest, crc32(summed, seed)), offset + 8);
}

function writeHeader(buffer: Buffer, offset: number, length: number, position: number): void {
  buffer.writeUInt32LE(MARKER_WORD, offset);
  buffer.writeUInt32LE(length, offset + 4);
  buffer.writeUInt32LE(position >>> 0, offset + 12);
  buffer.writeUInt32LE(Math.floor(position / TWO_32), offset + 16);
}

/**
 * Makes a frame of `length` bytes of payload the tombstone of its record. `note` stands in its payload, the rest is blank; one that
 * does not fit is left out.
 */
export function sealTombstone(
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
  note: Uint8Array,
  seed = 0,
): void {
  const start = offset + FRAME_HEADER_BYTES;
  buffer.fill(0x20, start, start + length);
  if (note.length <= length) buffer.set(note, start);
  sealFrame(buffer, offset, length, position, ~seed >>> 0);
  buffer.writeUInt32LE(length + TOMBSTONE_BIT, offset + 4);
}

/** "short": the bytes end before the frame does; "damaged": no valid frame begins here. */
export type FrameStatus = "record" | "short" | "damaged";

/**
 * Reads frames out of a buffer without allocating: the fields describe the frame the last {@link FrameScanner.scan} that
 * said "record" found.
 */
export class FrameScanner {
  position = 0;
  /** It was deleted: the payload is a note of that. */
  isTombstone = false;
  payloadStart = 0;
  /** Also where the next frame begins. */
  payloadEnd = 0;
  /** After "short": bytes the whole frame needs, as far as it says. */
  neededBytes = 0;
  readonly #seed: number;

  constructor(seed = 0) {
    this.#seed = seed;
  }

  /** @param isSealed the frame has not left this process's memory since its checksum was taken: it is not taken again */
  scan(buffer: Buffer, offset: number, end: number, isSealed = false): FrameStatus {
    if (end - offset < FRAME_HEADER_BYTES) {
      this.neededBytes = FRAME_HEADER_BYTES;
      return "short";
    }
    if (buffer.readUInt32LE(offset) !== MARKER_WORD) return "damaged";
    const stated = buffer.readUInt32LE(offset + 4);
    const isTombstone = stated >= TOMBSTONE_BIT;
    const length = isTombstone ? stated - TOMBSTONE_BIT : stated;
    if (length > MAX_PAYLOAD_BYTES) return "damaged";
    const payloadEnd = offset + FRAME_HEADER_BYTES + length;
    if (payloadEnd > end) {
      this.neededBytes = FRAME_HEADER_BYTES + length;
      return "short";
    }
    if (!isSealed && this.#sumOf(buffer, offset, payloadEnd, isTombstone) !== buffer.readUInt32LE(offset + 8))
      return "damaged";
    this.isTombstone = isTombstone;
    this.position = buffer.readUInt32LE(offset + 12) + buffer.readUInt32LE(offset + 16) * TWO_32;
    this.payloadStart = offset + FRAME_HEADER_BYTES;
    this.payloadEnd = payloadEnd;
    return "record";
  }

  #sumOf(buffer: Buffer, offset: number, payloadEnd: number, isTombstone: boolean): number {
    // What `subarray` gives is a Buffer, which takes longer to make than its sum to take.
    const checked = new Uint8Array(buffer.buffer, buffer.byteOffset + offset + 12, payloadEnd - offset - 12);
    return crc32(checked, isTombstone ? ~this.#seed >>> 0 : this.#seed);
  }
}

/** Where the next marker begins at or behind `offset`; -1 where none is whole before `end`. */
export function findMarker(buffer: Buffer, offset: number, end: number): number {
  const found = buffer.indexOf(FRAME_MARKER, offset);
  return found + FRAME_MARKER.length > end ? -1 : found;
}
