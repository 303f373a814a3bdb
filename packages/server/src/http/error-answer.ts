import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ERROR_STATUS, type ErrorBody, type ErrorCode, SandglassError } from "@sandglass/protocol";
import { RateLimitedError } from "./rate-limited-error.ts";
import { type RequestRecord, writeHead } from "./request-record.ts";

/** How long a client may go on sending a body that was refused. Cutting it off at once would lose it the answer (RST). */
const LINGER_MS = 10_000;
const JSON_TYPE = "application/json; charset=utf-8";

/** What the framework found wrong before a route was reached. In our words: its own repeat the path. */
const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  FST_ERR_BAD_URL: ["INVALID_REQUEST", "the path is not valid percent-encoded UTF-8"],
  FST_ERR_MAX_PARAM_LENGTH: ["INVALID_REQUEST", "a part of the path is too long"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["UNSUPPORTED_MEDIA_TYPE", "the content type is none"],
  FST_ERR_CTP_BODY_TOO_LARGE: ["PAYLOAD_TOO_LARGE", "the body is too large"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["INVALID_REQUEST", "the content length is none"],
};

/** Behind these nothing good comes over the same connection. */
const CLOSING: ReadonlySet<ErrorCode> = new Set([
  "SHUTTING_DOWN",
  "RATE_LIMITED",
  "CONNECTION_LIMIT_REACHED",
  "REQUEST_TOO_SLOW",
  "HEADERS_TOO_LARGE",
]);

/** Told of errors that are none of the catalogue: mistakes of ours, to be looked into. */
export type ReportInternal = (error: unknown, record: RequestRecord) => void;

/**
 * The one place that turns an error into a catalogue error. What is none of the catalogue becomes INTERNAL and says nothing of
 * itself to the caller; it is reported instead, under the same request id.
 */
function toCatalogueError(error: unknown, record: RequestRecord, report: ReportInternal): SandglassError {
  if (error instanceof SandglassError) return error;
  const known = FRAMEWORK_ERRORS[(error as { code?: string } | null)?.code ?? ""];
  if (known !== undefined) return new SandglassError(...known);
  report(error, record);
  return new SandglassError("INTERNAL", "something went wrong inside the daemon", {
    hint: `the daemon's log says more about request ${record.requestId}`,
  });
}

/** An error in the words and the form of whoever reads it; undefined where JSON will do. */
export type RenderError = (error: SandglassError) => RenderedError | undefined;

interface RenderedError {
  contentType: string;
  text: string;
  /** What a browser is to know of it. */
  headers?: Record<string, string>;
}

/**
 * Answers with the error, or, where an answer is under way already, breaks it off so that it cannot pass for complete.
 *
 * @param render for what people look at; default JSON
 */
export function answerError(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
  report: ReportInternal,
  render?: RenderError,
): void {
  // The caller went: whatever failed then failed because of that, and there is nobody to tell. A request that a pipeline gave up has
  // no socket any more.
  const socket: Socket | null = request.socket;
  if (response.destroyed || (socket?.destroyed ?? true)) return;
  const known = toCatalogueError(error, record, report);
  record.errorCode = known.code;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body: ErrorBody = {
    error: {
      code: known.code,
      message: known.message,
      ...(known.hint !== undefined && { hint: known.hint }),
      requestId: record.requestId,
    },
  };
  const rendered: RenderedError = render?.(known) ?? { contentType: JSON_TYPE, text: JSON.stringify(body) };
  const { contentType, text } = rendered;
  writeHead(record, response, ERROR_STATUS[known.code], {
    ...rendered.headers,
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    // An answer to HEAD has no body that could say it.
    "x-error-code": known.code,
    ...(request.method === "HEAD" && { "x-error-message": encodeURIComponent(headerText(known.message)) }),
    ...(known.code === "UNAUTHORIZED" && { "www-authenticate": "Bearer" }),
    ...(CLOSING.has(known.code) && { connection: "close" }),
    ...(known instanceof RateLimitedError && { "retry-after": Math.ceil(known.retryAfterMs / 1000) }),
    ...(known instanceof MethodNotAllowedError && { allow: known.allowed.join(", ") }),
  });
  // What was refused for its slowness is not waited for.
  if (known.code === "REQUEST_TOO_SLOW") response.end(text, () => request.socket.destroySoon());
  else endBehindBody(request, response, text);
}

/** No longer than fits a header beside the others; what is no text (half of a surrogate pair) cannot be encoded. */
function headerText(message: string): string {
  return message.slice(0, 1_000).toWellFormed();
}

/** METHOD_NOT_ALLOWED, with what the `Allow` header has to say (RFC 9110 section 15.5.6). */
export class MethodNotAllowedError extends SandglassError {
  readonly allowed: readonly string[];

  constructor(method: string, allowed: readonly string[]) {
    super("METHOD_NOT_ALLOWED", `${method} is not possible here`, { hint: `use ${allowed.join(" or ")}` });
    this.allowed = allowed;
  }
}

/**
 * Ends the answer when the client has sent the rest of its body, which nobody reads, or has taken too long about it. The answer is
 * out at once either way: its length is known, so the client need not wait for the end.
 */
function endBehindBody(request: IncomingMessage, response: ServerResponse, text: string): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  const { socket } = request;
  const hasBody = encoding !== undefined || Number(length ?? 0) > 0;
  if (!hasBody || request.complete || request.method === "HEAD") {
    response.end(text);
    return;
  }
  response.write(text);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(() => {
    end();
    socket.destroy();
  }, LINGER_MS);
  timer.unref();
  // Of whoever read it and gave up half-way: it would not flow while they listen, and the next request on the connection not be answered.
  request.removeAllListeners("readable");
  request.once("end", end).once("close", end).resume();
}
