import { copyFile, type FileHandle, open } from "node:fs/promises";
import { FrameScanner, findMarker, sealTombstone } from "./frame.ts";
import { SEGMENT_HEADER_BYTES } from "./segment.ts";

const CHUNK_BYTES = 1024 * 1024;

/** What was deleted. */
export interface Erased {
  records: number;
  /** Of their payloads. */
  bytes: number;
}

/**
 * Writes a copy of a segment's file in which the records of these positions are tombstones, each with its note, and brings it to the
 * disk. All else is as it was, what is damaged too. A record that cannot be read any more is not found, and does not count.
 *
 * @throws what the file system throws
 */
export async function rewriteSegment(
  from: string,
  to: string,
  notes: ReadonlyMap<number, Uint8Array>,
  seed: number,
): Promise<Erased> {
  await copyFile(from, to);
  const file = await open(to, "r+");
  try {
    const erased = await replaceRecords(file, notes, seed);
    await file.sync();
    return erased;
  } finally {
    await file.close();
  }
}

async function replaceRecords(
  file: FileHandle,
  notes: ReadonlyMap<number, Uint8Array>,
  seed: number,
): Promise<Erased> {
  const erased = { records: 0, bytes: 0 };
  const scanner = new FrameScanner(seed);
  const { size } = await file.stat();
  let buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let offset = SEGMENT_HEADER_BYTES;
  while (offset < size) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - offset), offset);
    if (bytesRead === 0) break;
    const isAtEnd = offset + bytesRead >= size;
    let at = 0;
    while (at < bytesRead) {
      const status = scanner.scan(buffer, at, bytesRead);
      if (status === "record") {
        const { payloadEnd, payloadStart, position, isTombstone } = scanner;
        const note = isTombstone ? undefined : notes.get(position);
        if (note !== undefined) {
          sealTombstone(buffer, at, payloadEnd - payloadStart, position, note, seed);
          await file.write(buffer, at, payloadEnd - at, offset + at);
          erased.records += 1;
          erased.bytes += payloadEnd - payloadStart;
        }
        at = payloadEnd;
        continue;
      }
      if (status === "short" && !isAtEnd) break;
      const marker = findMarker(buffer, at + 1, bytesRead);
      at = marker === -1 ? Math.max(at + 1, bytesRead - 3) : marker;
    }
    offset += at;
    if (at === 0 && scanner.neededBytes > buffer.length) buffer = Buffer.allocUnsafeSlow(scanner.neededBytes);
  }
  return erased;
}
