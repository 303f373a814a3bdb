import { closeSync, fstatSync, openSync, readSync, writeSync, writevSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { SandglassError } from "@sandglass/protocol";
import type { RecentBytes } from "./recent-bytes.ts";

/**
 * The first bytes of a segment file. This layout is the same in every format version, so that any build can tell what it
 * cannot read:
 *
 * ```
 * offset  0  magic          8 bytes  "SGLASLOG"
 *         8  version        u32 LE
 *        12  first position u64 LE
 *        20  createdAt      u64 LE   Unix time in milliseconds
 *        28  crc32          u32 LE   of the 28 bytes before
 * ```
 */
export const SEGMENT_HEADER_BYTES = 32;
export const SEGMENT_FORMAT_VERSION = 1;
const MAGIC = Buffer.from("SGLASLOG");
const INDEX_EVERY_BYTES = 256 * 1024;

/** So long what was written is in the kernel's page cache, whatever the disk makes of it. */
const FRESH_MS = 30_000;

/** One file of the log. Mutable: the writer moves the sizes and seals it, retention removes it. */
export class Segment {
  readonly path: string;
  readonly firstPosition: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  /** Bytes written. */
  sizeBytes: number;
  /** Bytes that readers may see: those that are acknowledged. */
  readableBytes: number;
  /** Known once nothing more is written to it; one below `firstPosition` where it holds nothing. */
  lastPosition: number | undefined;
  isRemoved = false;
  /** How often the file was replaced by one in which records are deleted: who has the one before open has to open it anew. */
  rewrites = 0;
  /** Its end, where that is kept in memory: only of the one that is being written. */
  recent: RecentBytes | undefined;
  /** By `performance.now()`, where this very thread began it. */
  begunAt: number | undefined;
  /** Sparse: where a record begins, about every 256 KiB, so that a reader need not walk from the start. */
  readonly #index: { position: number; offset: number }[] = [];
  #nextIndexed = SEGMENT_HEADER_BYTES + INDEX_EVERY_BYTES;

  constructor(path: string, firstPosition: number, createdAt: number, sizeBytes: number) {
    this.path = path;
    this.firstPosition = firstPosition;
    this.createdAt = createdAt;
    this.sizeBytes = sizeBytes;
    this.readableBytes = sizeBytes;
  }

  /** All that is in it was written here moments ago: what is read of it comes from memory, and its checksums need not be taken again. */
  get isFresh(): boolean {
    return this.begunAt !== undefined && performance.now() - this.begunAt < FRESH_MS;
  }

  /** Remembers that record `position` begins at `offset`; called in order of position, ignored where one is near. */
  note(position: number, offset: number): void {
    if (offset < this.#nextIndexed) return;
    this.#index.push({ position, offset });
    this.#nextIndexed = offset + INDEX_EVERY_BYTES;
  }

  /** An offset at or before record `position` where a record begins. */
  seek(position: number): number {
    for (let i = this.#index.length - 1; i >= 0; i--) {
      const entry = this.#index[i]!;
      if (entry.position <= position) return entry.offset;
    }
    return SEGMENT_HEADER_BYTES;
  }
}

/** Whole segments go: with a small limit on the log they have to be small too. */
export function defaultSegmentBytes(maxBytes: number = Number.POSITIVE_INFINITY): number {
  return Math.max(64 * 1024, Math.min(64 * 1024 * 1024, Math.floor(maxBytes / 8)));
}

export function segmentPath(dir: string, firstPosition: number): string {
  return join(dir, `${String(firstPosition).padStart(20, "0")}.seg`);
}

/** The first position that a file's name gives; undefined for a file that is no segment. */
export function parseSegmentName(name: string): number | undefined {
  const match = /^(\d{20})\.seg$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function encodeSegmentHeader(firstPosition: number, createdAt: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(SEGMENT_FORMAT_VERSION, 8);
  header.writeBigUInt64LE(BigInt(firstPosition), 12);
  header.writeBigUInt64LE(BigInt(createdAt), 20);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/**
 * Opens a segment that is there, without looking at its records. A damaged header is reported, not fatal: the file's name
 * gives the position. Throws LOG_UNAVAILABLE for a format version this build does not know.
 */
export function openSegment(
  path: string,
  firstPosition: number,
): { segment: Segment; isHeaderDamaged: boolean } {
  const fd = openSync(path, "r");
  try {
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const read = readSync(fd, header, 0, SEGMENT_HEADER_BYTES, 0);
    const { size, mtimeMs } = fstatSync(fd);
    const isIntact =
      read === SEGMENT_HEADER_BYTES &&
      header.subarray(0, 8).equals(MAGIC) &&
      crc32(header.subarray(0, 28)) === header.readUInt32LE(28);
    if (!isIntact) {
      return { segment: new Segment(path, firstPosition, Math.floor(mtimeMs), size), isHeaderDamaged: true };
    }
    const version = header.readUInt32LE(8);
    if (version !== SEGMENT_FORMAT_VERSION) {
      throw new SandglassError(
        "LOG_UNAVAILABLE",
        `${path} has log format version ${version}; this build reads version ${SEGMENT_FORMAT_VERSION}`,
        {
          hint: "start the release that wrote this data directory, or one newer, or give another data directory",
        },
      );
    }
    const createdAt = Number(header.readBigUInt64LE(20));
    return { segment: new Segment(path, firstPosition, createdAt, size), isHeaderDamaged: false };
  } finally {
    closeSync(fd);
  }
}

/** Writes one behind the other at `offset`, with one system call where the kernel takes all of it. */
export function writeBoth(fd: number, first: Uint8Array, second: Uint8Array, offset: number): void {
  const written = writevSync(fd, [first, second], offset);
  if (written < first.length)
    writeFully(fd, first.subarray(written), first.length - written, offset + written);
  const rest = second.subarray(Math.max(0, written - first.length));
  if (rest.length > 0) writeFully(fd, rest, rest.length, offset + first.length + second.length - rest.length);
}

/** Writes all of `bytes` at `offset`; the kernel may take them in parts. */
export function writeFully(fd: number, bytes: Uint8Array, length: number, offset: number): void {
  let done = 0;
  while (done < length) {
    const written = writeSync(fd, bytes, done, length - done, offset + done);
    if (written === 0) throw new Error(`the file took no more bytes at offset ${offset + done}`);
    done += written;
  }
}
