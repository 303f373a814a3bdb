import { type FileHandle, open } from "node:fs/promises";
import {
  decodeRecord,
  isSound,
  MAX_RECORD_BYTES,
  type OutputRecord,
  RECORD_HEADER_BYTES,
  SEGMENT_MAGIC,
} from "./record.ts";

const FIRST_READ_BYTES = 16 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * Reads the records of an output segment in order from `offset`, ending at the end of the file or at the first record that
 * is torn or that nobody writes.
 * Yields each with the offset behind it.
 */
export async function* readRecords(
  path: string,
  offset = SEGMENT_MAGIC.length,
  endOffset = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ record: OutputRecord; next: number }> {
  const file = await open(path, "r");
  try {
    if (offset === SEGMENT_MAGIC.length && !(await hasMagic(file))) return;
    let rest: Buffer = Buffer.alloc(0);
    let at = offset;
    // Most segments are small, and a large buffer for each of hundreds takes longer than what is done with it.
    for (let wanted = FIRST_READ_BYTES; ; wanted = READ_BYTES) {
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(Math.max(wanted, neededBytes(rest) - rest.length)),
        0,
        undefined,
        at + rest.length,
      );
      if (bytesRead === 0) return;
      let data: Buffer =
        rest.length > 0
          ? Buffer.concat([rest, buffer.subarray(0, bytesRead)])
          : buffer.subarray(0, bytesRead);
      while (data.length >= RECORD_HEADER_BYTES) {
        const length = data.readUInt32LE(0);
        if (length > MAX_RECORD_BYTES) return;
        const end = RECORD_HEADER_BYTES + length;
        if (data.length < end) break;
        at += end;
        if (at > endOffset) return;
        const record = decodeRecord(data, end);
        if (!isSound(record)) return;
        yield { record, next: at };
        data = data.subarray(end);
      }
      rest = data;
    }
  } finally {
    await file.close();
  }
}

function neededBytes(rest: Buffer): number {
  return rest.length < RECORD_HEADER_BYTES
    ? 0
    : Math.min(MAX_RECORD_BYTES, RECORD_HEADER_BYTES + rest.readUInt32LE(0));
}

async function hasMagic(file: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await file.read(
    Buffer.alloc(SEGMENT_MAGIC.length),
    0,
    SEGMENT_MAGIC.length,
    0,
  );
  return bytesRead === SEGMENT_MAGIC.length && buffer.equals(SEGMENT_MAGIC);
}
