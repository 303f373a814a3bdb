import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { encodeRpcStatus } from "../otlp/receiver/export-answer.ts";
import { GRPC_CODE } from "../otlp/receiver/grpc-status.ts";

/** How long a client may go on sending a body that was refused. Cutting it off at once could lose it the answer (RST). */
const LINGER_MS = 2_000;

/** gRPC's word for each, which the body has. */
const CODES = {
  401: GRPC_CODE.UNAUTHENTICATED,
  403: GRPC_CODE.PERMISSION_DENIED,
  429: GRPC_CODE.RESOURCE_EXHAUSTED,
  503: GRPC_CODE.UNAVAILABLE,
} as const;

/** Why a request of a program of the host is not taken. */
export interface ClientRefusal {
  status: 401 | 403 | 429 | 503;
  message: string;
  retryAfterMs?: number;
  headers?: Readonly<Record<string, string>>;
}

/**
 * Answers as OTLP/HTTP has errors (OTLP 1.11, "OTLP/HTTP Response"): a `google.rpc.Status` in the request's own content type. It is
 * out at once; the connection is closed behind what is left of the body, which nobody reads. An answer that is under way already is
 * broken off.
 */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { status, message, retryAfterMs, headers }: ClientRefusal,
): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const isProtobuf = /^application\/x-protobuf\b/i.test(request.headers["content-type"] ?? "");
  const body = encodeRpcStatus(CODES[status], message, retryAfterMs, isProtobuf ? "protobuf" : "json");
  const head: OutgoingHttpHeaders = {
    "content-type": isProtobuf ? "application/x-protobuf" : "application/json",
    "content-length": body.length,
    ...(retryAfterMs !== undefined && { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    ...headers,
    connection: "close",
  };
  response.writeHead(status, head);
  if (request.complete || request.destroyed) {
    response.end(body);
    return;
  }
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once("end", end).once("close", end).resume();
}
