import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { encodeRpcStatus } from "./export-answer.ts";
import { GRPC_CODE, type GrpcStatus } from "./grpc-status.ts";

const HEAD = { ":status": 200, "content-type": "application/grpc+proto" } as const;
const NO_DATE = { sendDate: false } as const;
const TRAILERS_OK = { "grpc-status": "0" } as const;
const PREFIX_BYTES = 5;

/** Answers a call with a message, and that it went well. Does nothing where nobody waits for it any more. */
export function answerMessage(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  stream.once("wantTrailers", () => stream.sendTrailers({ ...TRAILERS_OK }));
  stream.respond({ ...HEAD }, { ...NO_DATE, waitForTrailers: true });
  stream.end(framed);
}

/** Ends a call with a status and no message ("Trailers-Only"), whether or not all of its request has come. */
export function answerStatus(stream: ServerHttp2Stream, status: GrpcStatus): void {
  answerHeaders(stream, { ...HEAD, ...trailersOf(status) });
}

/** Answers a request that is no call of gRPC. */
export function answerHttp(stream: ServerHttp2Stream, httpStatus: 405 | 415): void {
  const allow = httpStatus === 405 ? { allow: "POST" } : {};
  answerHeaders(stream, { ":status": httpStatus, ...allow });
}

function answerHeaders(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond(headers, { ...NO_DATE, endStream: true });
  // Asks for the rest of the request not to be sent (RFC 9113, 8.1).
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

/** A status as headers. What is to be tried again names when in `grpc-status-details-bin`, as OTLP has it ("OTLP/gRPC Throttling"). */
export function trailersOf({ code, message, retryAfterMs }: GrpcStatus): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "grpc-status": String(code) };
  if (message !== "") headers["grpc-message"] = percentEncode(message);
  if (code === GRPC_CODE.UNIMPLEMENTED) headers["grpc-accept-encoding"] = "identity,gzip";
  if (retryAfterMs !== undefined) {
    const details = Buffer.from(encodeRpcStatus(code, message, retryAfterMs));
    headers["grpc-status-details-bin"] = details.toString("base64").replace(/=+$/, "");
  }
  return headers;
}

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

/** `Status-Message` of gRPC over HTTP/2: all but printable ASCII, and the percent sign, as UTF-8 in hexadecimal. */
export function percentEncode(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
