import type { IncomingMessage } from "node:http";
import type { Signal } from "../model.ts";
import type { Encoding } from "./export-answer.ts";
import type { Tenant } from "./tenant.ts";

/** What a request says of itself before its body. */
export interface RequestHead {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly isGzip: boolean;
  /** Of the body as it is sent. Undefined where it comes in chunks. */
  readonly contentLength: number | undefined;
}

/** Why it is not read any further. */
export interface HeadProblem {
  readonly status: 403 | 404 | 405 | 415;
  /** What the answer is written in. */
  readonly encoding: Encoding;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const SIGNAL_OF_PATH: ReadonlyMap<string, Signal> = new Map([
  ["/v1/traces", "traces"],
  ["/v1/metrics", "metrics"],
  ["/v1/logs", "logs"],
]);

/** OTLP 1.11, "OTLP/HTTP Request". @param path without the server's base, with or without a query */
export function readRequestHead(
  { method, headers }: IncomingMessage,
  tenant: Tenant,
  path: string,
): RequestHead | HeadProblem {
  const known = encodingOf(headers["content-type"]);
  // What says nothing that is known is most likely looked at by a person.
  const encoding = known ?? "json";
  const signal = SIGNAL_OF_PATH.get(path) ?? SIGNAL_OF_PATH.get(plainPath(path));
  if (signal === undefined) {
    const message = "there is nothing here but /v1/traces, /v1/metrics and /v1/logs";
    return { status: 404, encoding, message };
  }
  if (method !== "POST") {
    return { status: 405, encoding, message: "telemetry is sent by POST", headers: { allow: "POST" } };
  }
  // Only browsers send one. A page that is looked at inside a sandbox is not to write its telemetry, also where it has made a name
  // of its own lead here, for which browsers let it send what it likes.
  if (headers.origin !== undefined && tenant.origin === "sandbox") {
    return { status: 403, encoding, message: "web pages may not send telemetry here" };
  }
  if (known === undefined) {
    const message = "the content type has to be application/x-protobuf or application/json";
    return { status: 415, encoding, message };
  }
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "";
  const isGzip = coding === "gzip" || coding === "x-gzip";
  if (!isGzip && coding !== "" && coding !== "identity") {
    const message = "the content encoding has to be gzip, or none";
    return { status: 415, encoding, message, headers: { "accept-encoding": "gzip, identity" } };
  }
  const length = headers["content-length"];
  const isChunked = headers["transfer-encoding"] !== undefined;
  return { signal, encoding, isGzip, contentLength: isChunked ? undefined : Number(length ?? 0) };
}

/** Without a query, and without the host that those who think this is a proxy put in front (RFC 9112, 3.2.2). */
function plainPath(path: string): string {
  return path.replace(/\?.*$/s, "").replace(/^http:\/\/[^/]*/i, "");
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  // As nearly all write it; else parameters follow, and case makes no difference (RFC 9110, 8.3.1).
  if (contentType === "application/x-protobuf") return "protobuf";
  switch (contentType?.replace(/;.*$/s, "").trim().toLowerCase()) {
    case "application/x-protobuf":
      return "protobuf";
    case "application/json":
      return "json";
    default:
      return undefined;
  }
}
