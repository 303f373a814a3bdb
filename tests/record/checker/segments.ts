import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const MAGIC = "SGLASLOG";
const SEGMENT_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 20;
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;
/** Of the length: the record was deleted. */
const TOMBSTONE_BIT = 0x8000_0000;
/** What the sum of a tombstone begins with. */
const TOMBSTONE_SEED = 0xffff_ffff;
const MARKER = Buffer.from([0xf5, 0x53, 0x47, 0xfa]);

/** What stands in a log, in the order of its bytes. */
export type Found =
  | { kind: "record"; file: string; offset: number; position: number; payload: Buffer }
  /** What a deleted record left: a note of whose number it had. */
  | { kind: "tombstone"; file: string; position: number; note: string }
  /** Bytes that are no record; at the end of the last file they may be one that was never finished. */
  | { kind: "damage"; file: string; offset: number; bytes: number; isTail: boolean }
  | { kind: "header"; file: string; said: string };

/**
 * Reads a log as `docs/log-format.md` says it is written, and nothing else: this is the second opinion on the daemon's own reader.
 *
 * @param dir `<dataDir>/log`
 */
export function* readLog(dir: string): Generator<Found, void, undefined> {
  const files = readdirSync(dir)
    .filter((name) => /^\d{20}\.seg$/.test(name))
    .sort();
  for (const [at, name] of files.entries()) {
    const bytes = readFileSync(join(dir, name));
    const said = headerProblem(bytes, Number(name.slice(0, 20)));
    if (said !== undefined) yield { kind: "header", file: name, said };
    yield* readFrames(bytes, name, at === files.length - 1);
  }
}

function headerProblem(bytes: Buffer, firstPosition: number): string | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return `it is ${bytes.length} bytes long`;
  if (bytes.toString("latin1", 0, 8) !== MAGIC) return "it does not begin with SGLASLOG";
  if (crc32(bytes.subarray(0, 28)) !== bytes.readUInt32LE(28)) return "the sum of its header is wrong";
  if (bytes.readUInt32LE(8) !== 1) return `it has format version ${bytes.readUInt32LE(8)}`;
  const position = Number(bytes.readBigUInt64LE(12));
  return position === firstPosition ? undefined : `its header says that it begins with position ${position}`;
}

function* readFrames(bytes: Buffer, file: string, isLast: boolean): Generator<Found, void, undefined> {
  let offset = SEGMENT_HEADER_BYTES;
  while (offset < bytes.length) {
    const end = frameEnd(bytes, offset);
    if (end !== undefined) {
      const position = Number(bytes.readBigUInt64LE(offset + 12));
      const payload = bytes.subarray(offset + FRAME_HEADER_BYTES, end);
      if (bytes.readUInt32LE(offset + 4) < TOMBSTONE_BIT)
        yield { kind: "record", file, offset, position, payload };
      else yield { kind: "tombstone", file, position, note: payload.toString("utf8") };
      offset = end;
      continue;
    }
    let next = offset;
    do next = bytes.indexOf(MARKER, next + 1);
    while (next !== -1 && frameEnd(bytes, next) === undefined);
    const until = next === -1 ? bytes.length : next;
    yield { kind: "damage", file, offset, bytes: until - offset, isTail: isLast && next === -1 };
    offset = until;
  }
}

/** Undefined where no whole frame begins at `offset`. */
function frameEnd(bytes: Buffer, offset: number): number | undefined {
  if (offset + FRAME_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.compare(MARKER, 0, 4, offset, offset + 4) !== 0) return undefined;
  const stated = bytes.readUInt32LE(offset + 4);
  const isTombstone = stated >= TOMBSTONE_BIT;
  const length = isTombstone ? stated - TOMBSTONE_BIT : stated;
  const end = offset + FRAME_HEADER_BYTES + length;
  if (length > MAX_PAYLOAD_BYTES || end > bytes.length) return undefined;
  const sum = crc32(bytes.subarray(offset + 12, end), isTombstone ? TOMBSTONE_SEED : 0);
  return sum === bytes.readUInt32LE(offset + 8) ? end : undefined;
}
