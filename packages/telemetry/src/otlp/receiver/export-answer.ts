import type { Signal } from "../model.ts";
import { ProtoWriter } from "../proto-writer.ts";
import { LEN, tag, VARINT } from "../wire.ts";

/** What a request is written in, and so is its answer. */
export type Encoding = "protobuf" | "json";

/** Items that were not taken of a request that was. */
export interface Rejected {
  readonly items: number;
  readonly message: string;
}

// Export…ServiceResponse and Export…PartialSuccess, which are laid out alike for every signal
const PARTIAL_SUCCESS = tag(1, LEN);
const REJECTED_ITEMS = tag(1, VARINT);
const ERROR_MESSAGE = tag(2, LEN);
const REJECTED_NAME: Readonly<Record<Signal, string>> = {
  traces: "rejectedSpans",
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
};
// google.rpc.Status
const CODE = tag(1, VARINT);
const MESSAGE = tag(2, LEN);
const DETAILS = tag(3, LEN);
// google.protobuf.Any
const TYPE_URL = tag(1, LEN);
const VALUE = tag(2, LEN);
// google.rpc.RetryInfo, google.protobuf.Duration
const RETRY_DELAY = tag(1, LEN);
const SECONDS = tag(1, VARINT);
const NANOS = tag(2, VARINT);
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

const PLAIN_YES: Readonly<Record<Encoding, Buffer>> = { protobuf: Buffer.alloc(0), json: Buffer.from("{}") };

/** An `Export…ServiceResponse`. @param rejected undefined: all of it was taken, `partial_success` is not set then */
export function encodeExportResponse(signal: Signal, encoding: Encoding, rejected?: Rejected): Buffer {
  if (rejected === undefined) return PLAIN_YES[encoding];
  const { items, message } = rejected;
  if (encoding === "json") {
    // An int64 is a text in protobuf's JSON.
    const partialSuccess = { [REJECTED_NAME[signal]]: String(items), errorMessage: message };
    return Buffer.from(JSON.stringify({ partialSuccess }));
  }
  const writer = new ProtoWriter();
  const partial = writer.begin(PARTIAL_SUCCESS, 1);
  writer.int64(REJECTED_ITEMS, items);
  writer.string(ERROR_MESSAGE, message);
  writer.end(partial, 1);
  return writer.finish();
}

/**
 * A `google.rpc.Status`.
 *
 * @param code of gRPC
 * @param retryAfterMs adds a `google.rpc.RetryInfo`
 */
export function encodeRpcStatus(
  code: number,
  message: string,
  retryAfterMs?: number,
  encoding: Encoding = "protobuf",
): Buffer {
  if (encoding === "json") return Buffer.from(JSON.stringify(jsonStatus(code, message, retryAfterMs)));
  const writer = new ProtoWriter();
  writer.uint32(CODE, code);
  writer.string(MESSAGE, message);
  if (retryAfterMs !== undefined) writeRetryInfo(writer, retryAfterMs);
  return writer.finish();
}

function jsonStatus(code: number, message: string, retryAfterMs: number | undefined): object {
  if (retryAfterMs === undefined) return { code, message };
  return { code, message, details: [{ "@type": RETRY_INFO, retryDelay: `${retryAfterMs / 1000}s` }] };
}

function writeRetryInfo(writer: ProtoWriter, retryAfterMs: number): void {
  const detail = writer.begin(DETAILS, 1);
  writer.string(TYPE_URL, RETRY_INFO);
  const info = writer.begin(VALUE, 1);
  const delay = writer.begin(RETRY_DELAY, 1);
  const seconds = Math.floor(retryAfterMs / 1000);
  if (seconds > 0) writer.int64(SECONDS, seconds);
  const nanos = Math.round((retryAfterMs - seconds * 1000) * 1e6);
  if (nanos > 0) writer.uint32(NANOS, nanos);
  writer.end(delay, 1);
  writer.end(info, 1);
  writer.end(detail, 1);
}
