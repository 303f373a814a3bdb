import { isAscii, isUtf8 } from "node:buffer";
import { CAUSES, type ExitEvent } from "@sandglass/protocol";

/**
 * One line of an exec's stream as kept in its sandbox's output segment: u32 payload length, u8 kind, u32 seq, f64 Unix time in
 * ms (all little endian), the exec's id in ASCII, payload.
 */
export const RECORD_HEADER_BYTES = 48;
const ID_AT = 17;
/** First bytes of a segment; the digit is the format's version. */
export const SEGMENT_MAGIC: Buffer = Buffer.from("SGOUT1\r\n", "latin1");

export const Kind = { stdout: 1, stderr: 2, result: 3, exit: 4 } as const;
const BINARY = 0x10;
/** There is one behind it. */
const MAX_SEQ = 0xffff_ffff;
const CLOSING_BRACE = 0x7d;
const LINE_FEED = 0x0a;
/** A single record is cut at this size by its writer; longer ones in a file are damage. */
export const MAX_RECORD_BYTES: number = 64 * 1024 * 1024;

export interface OutputRecord {
  execId: string;
  kind: number;
  seq: number;
  ts: number;
  payload: Buffer;
}

/** The header in front of `payload`. */
export function encodeHeader({ execId, kind, seq, ts, payload }: OutputRecord): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header[4] = kind;
  header.writeUInt32LE(seq, 5);
  header.writeDoubleLE(ts, 9);
  header.fill(0, ID_AT);
  header.write(execId, ID_AT, "latin1");
  return header;
}

/**
 * Whether it is one that a writer writes. Of the text of an exec anything may be; the rest becomes part of a line as it is, or of the record of
 * events, and a disk may have changed it.
 */
export function isSound({ kind, seq, ts, payload }: OutputRecord): boolean {
  if (seq >= MAX_SEQ || !Number.isFinite(ts)) return false;
  if (kind === Kind.result) return parsed(payload) !== undefined;
  if (kind === Kind.exit) return isExit(payload);
  const stream = kind & ~BINARY;
  return stream === Kind.stdout || stream === Kind.stderr;
}

function isExit(payload: Buffer): boolean {
  const exit = parsed(payload) as Partial<ExitEvent> | null | undefined;
  if (exit === undefined || exit === null || payload.at(-1) !== CLOSING_BRACE) return false;
  const { type, code, cause, durationMs } = exit;
  return (
    type === "exit" &&
    Number.isInteger(code) &&
    Number.isFinite(durationMs) &&
    CAUSES.includes(cause as never)
  );
}

/** Undefined where it is no JSON, or none of one line. */
function parsed(payload: Buffer): unknown {
  if (payload.includes(LINE_FEED)) return undefined;
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The record whose header and payload `data` begins with; `end` is where it ends. */
export function decodeRecord(data: Buffer, end: number): OutputRecord {
  return {
    execId: data.toString("latin1", ID_AT, RECORD_HEADER_BYTES),
    kind: data[4] as number,
    seq: data.readUInt32LE(5),
    ts: data.readDoubleLE(9),
    payload: data.subarray(RECORD_HEADER_BYTES, end),
  };
}

/** Marks bytes that are not UTF-8. */
export function outputKind(stream: "stdout" | "stderr", bytes: Buffer): number {
  return isUtf8(bytes) ? Kind[stream] : Kind[stream] | BINARY;
}

/** How many bytes at the end of `bytes` are the beginning of a UTF-8 character that is not complete yet: 0 to 3. */
export function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      if (byte < 0xc2 || byte > 0xf4) return 0; // begins no character: it would wait for ever
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? back : 0;
    }
  }
  return 0;
}

/** The record as a line of NDJSON, newline included. */
export function recordLine({ kind, seq, ts, payload }: OutputRecord): string {
  const tail = `,"seq":${seq},"ts":${ts}}\n`;
  if (kind === Kind.result) return `{"type":"result","data":${payload.toString("utf8")}${tail}`;
  if (kind === Kind.exit) return `${payload.toString("utf8").slice(0, -1)}${tail}`;
  const type = (kind & ~BINARY) === Kind.stderr ? "stderr" : "stdout";
  if ((kind & BINARY) !== 0)
    return `{"type":"${type}","data":"${payload.toString("base64")}","encoding":"base64"${tail}`;
  return `{"type":"${type}","data":${JSON.stringify(payload.toString(isAscii(payload) ? "latin1" : "utf8"))}${tail}`;
}

/** The payload of an exit record: the event without `seq` and `ts`, which the record has. */
export function exitPayload(exit: Omit<ExitEvent, "seq" | "ts">): Buffer {
  return Buffer.from(JSON.stringify(exit));
}
