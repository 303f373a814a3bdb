import type { IncomingMessage, ServerResponse } from "node:http";
import { encodeRpcStatus } from "../otlp/receiver/export-answer.ts";

/** `UNAUTHENTICATED` of gRPC. */
const UNAUTHENTICATED = 16;
const MESSAGE = "no API key of this daemon: send `authorization: Bearer <key>`";

/** Answers 401 as OTLP/HTTP has errors: a `google.rpc.Status` in the request's own content type. The connection is closed. */
export function refuseWithoutKey({ headers }: IncomingMessage, response: ServerResponse): void {
  const isProtobuf = /^application\/x-protobuf\b/i.test(headers["content-type"] ?? "");
  const body = encodeRpcStatus(UNAUTHENTICATED, MESSAGE, undefined, isProtobuf ? "protobuf" : "json");
  response.writeHead(401, {
    "content-type": isProtobuf ? "application/x-protobuf" : "application/json",
    "content-length": body.length,
    "www-authenticate": "Bearer",
    // What is left of the body is not read.
    connection: "close",
  });
  response.end(body);
}
