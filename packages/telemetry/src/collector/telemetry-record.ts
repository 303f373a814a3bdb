import { SIGNALS, type Signal } from "../otlp/model.ts";

const VERSION = 1;
const FIXED_BYTES = 24;

/** What the host knows of a request beside its bytes. */
export interface TelemetryHead {
  signal: Signal;
  /** Whether it came out of a sandbox, which may say anything, or from a program with a key, or from the daemon itself. */
  origin: "sandbox" | "client" | "host";
  /** When it was taken, Unix time in milliseconds. */
  receivedAt: number;
  /** Spans, log records or data points. */
  items: number;
  orgId: string;
  /** "" for what is about none. */
  sandboxId: string;
  /** "" where none was given. */
  runId: string;
  /** Where the sandbox's owner wants it; "" where only to the daemon's own destinations. */
  destinationId: string;
  /** It is for that destination alone: the daemon's own have it from the events. */
  isForwardOnly: boolean;
}

export interface TelemetryRecord extends TelemetryHead {
  /** An `Export…ServiceRequest` in protobuf, stamped. Shares memory with what it was read from. */
  body: Buffer;
}

const ORIGINS = ["sandbox", "client", "host"] as const;

/**
 * What stands in front of a request's bytes in the log of telemetry:
 *
 * ```
 * u8 version · u8 signal · u8 origin · u8 flags · f64 receivedAt · u32 items · 4 × u16 length · org, sandbox, run, destination
 * ```
 * Numbers are little endian, texts UTF-8.
 */
export function encodeTelemetryHead(head: TelemetryHead): Buffer {
  const texts = [head.orgId, head.sandboxId, head.runId, head.destinationId].map((text) => Buffer.from(text));
  const size = texts.reduce((sum, { length }) => sum + length, FIXED_BYTES);
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = VERSION;
  bytes[1] = SIGNALS.indexOf(head.signal);
  bytes[2] = ORIGINS.indexOf(head.origin);
  bytes[3] = head.isForwardOnly ? 1 : 0;
  bytes.writeDoubleLE(head.receivedAt, 4);
  bytes.writeUInt32LE(head.items, 12);
  let at = FIXED_BYTES;
  for (const [index, text] of texts.entries()) {
    bytes.writeUInt16LE(text.length, 16 + 2 * index);
    text.copy(bytes, at);
    at += text.length;
  }
  return bytes;
}

/** Undefined where the bytes are no such record. */
export function readTelemetryRecord(payload: Buffer): TelemetryRecord | undefined {
  if (payload.length < FIXED_BYTES || payload[0] !== VERSION) return undefined;
  const signal = SIGNALS[payload[1]!];
  const origin = ORIGINS[payload[2]!];
  if (signal === undefined || origin === undefined) return undefined;
  let at = FIXED_BYTES;
  const texts = [0, 1, 2, 3].map((index) => {
    const end = at + payload.readUInt16LE(16 + 2 * index);
    const text = payload.toString("utf8", at, end);
    at = end;
    return text;
  });
  if (at > payload.length) return undefined;
  const [orgId, sandboxId, runId, destinationId] = texts as [string, string, string, string];
  return {
    signal,
    origin,
    receivedAt: payload.readDoubleLE(4),
    items: payload.readUInt32LE(12),
    orgId,
    sandboxId,
    runId,
    destinationId,
    isForwardOnly: (payload[3]! & 1) === 1,
    body: payload.subarray(at),
  };
}
