import { ProtoReader } from "./proto-reader.ts";
import { LEN, VARINT } from "./wire.ts";

/** `google.rpc.Status`: the body of OTLP/HTTP errors, and what `grpc-status-details-bin` holds. */
export interface RpcStatus {
  code: number;
  message: string;
  /** Of a `google.rpc.RetryInfo` among its details: how long to wait. Undefined where there is none, or it names no time. */
  retryDelayMs: number | undefined;
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
/** Nobody is made to wait longer, whatever is asked for. */
const LONGEST_WAIT_MS = 3_600_000;

/** @throws MalformedOtlpError where the bytes are no protobuf */
export function readRpcStatus(bytes: Uint8Array): RpcStatus {
  const status: RpcStatus = { code: 0, message: "", retryDelayMs: undefined };
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === VARINT) status.code = reader.uint32();
    else if (reader.field === 2 && reader.wireType === LEN) status.message = reader.string();
    else if (reader.field === 3 && reader.wireType === LEN) {
      status.retryDelayMs = readRetryDelay(reader.bytes()) ?? status.retryDelayMs;
    } else reader.skip();
  }
  return status;
}

/** Of a `google.protobuf.Any`. */
function readRetryDelay(bytes: Uint8Array): number | undefined {
  let typeUrl = "";
  let value: Uint8Array = new Uint8Array();
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === LEN) typeUrl = reader.string();
    else if (reader.field === 2 && reader.wireType === LEN) value = reader.bytes();
    else reader.skip();
  }
  if (typeUrl !== RETRY_INFO) return undefined;
  const info = new ProtoReader(value);
  let delayMs = 0;
  while (info.next()) {
    if (info.field === 1 && info.wireType === LEN) delayMs = readDuration(info.bytes());
    else info.skip();
  }
  return delayMs > 0 ? Math.min(delayMs, LONGEST_WAIT_MS) : undefined;
}

/** `google.protobuf.Duration` in milliseconds, rounded up. */
function readDuration(bytes: Uint8Array): number {
  let seconds = 0;
  let nanos = 0;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === VARINT) seconds = Number(reader.int64());
    else if (reader.field === 2 && reader.wireType === VARINT) nanos = Number(reader.int64());
    else reader.skip();
  }
  return Math.ceil(seconds * 1000 + nanos / 1e6);
}
