import type { ErrorCode } from "@sandglass/protocol";
import { ERROR_STATUS, SandglassError } from "@sandglass/protocol";

export { SandglassError };

/** What every error of this package can say beside its message. */
export interface ErrorDetails {
  /** What to do about it. */
  hint?: string | undefined;
  /** Of the HTTP request that failed. */
  requestId?: string | undefined;
  cause?: unknown;
}

/**
 * No answer came: the daemon could not be reached, or the connection went before it answered.
 * `code` is "CONNECTION_FAILED"; `cause` is the socket's own error.
 */
export class ConnectionError extends SandglassError {
  constructor(message: string, details: ErrorDetails = {}) {
    super("CONNECTION_FAILED", message, details);
    this.name = "ConnectionError";
  }
}

/** The daemon did not answer within `requestTimeoutMs`. `code` is "REQUEST_TIMEOUT". An exec's own time limit is a cause, never an error. */
export class TimeoutError extends SandglassError {
  constructor(message: string, details: ErrorDetails = {}) {
    super("REQUEST_TIMEOUT", message, details);
    this.name = "TimeoutError";
  }
}

/**
 * A stream broke and could not be picked up again within the bounded tries, or said something that is not the
 * protocol. `code` is "STREAM_BROKEN". What had arrived before was right and complete.
 */
export class StreamError extends SandglassError {
  /** Of the exec whose stream broke: `execs.stream(execId, {after})` continues it later. */
  readonly execId: string | undefined;
  /** `seq` of the last line that arrived; undefined where none did. */
  readonly lastSeq: number | undefined;

  constructor(
    message: string,
    details: ErrorDetails & { execId?: string | undefined; lastSeq?: number | undefined } = {},
  ) {
    super("STREAM_BROKEN", message, details);
    this.name = "StreamError";
    this.execId = details.execId;
    this.lastSeq = details.lastSeq;
  }
}

/** An HTTP error answer as it arrived. */
export interface ErrorAnswer {
  status: number;
  body: string;
  requestId: string | undefined;
  /** `x-error-code`, for an answer to HEAD, which has no body. */
  code: string | undefined;
  /** `x-error-message`, percent-encoded; with answers to HEAD alone. */
  message?: string | undefined;
}

/**
 * The error that an HTTP error answer stands for. An answer that is not the catalogue's (a proxy's page, a newer
 * daemon's code) keeps its words and gets the code nearest to its status.
 */
export function errorFromAnswer(answer: ErrorAnswer): SandglassError {
  const { status, body, requestId } = answer;
  const error = parseErrorBody(body);
  if (error === undefined) {
    const excerpt = body.length > 0 ? `: ${body.slice(0, 200)}` : "";
    const code = isKnown(answer.code) ? answer.code : codeForStatus(status);
    const words = excerpt === "" && isKnown(answer.code) ? ` (${code})` : excerpt;
    const message = decoded(answer.message) ?? `the server answered ${status}${words}`;
    return new SandglassError(code, message, { requestId });
  }
  const { code, message, hint } = error;
  const details = { hint, requestId: error.requestId ?? requestId };
  return isKnown(code)
    ? new SandglassError(code, message, details)
    : new SandglassError(codeForStatus(status), `${code}: ${message}`, details);
}

/** Undefined where it is no percent-encoded text: then it is somebody else's header. */
function decoded(text: string | undefined): string | undefined {
  if (!text) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isKnown(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_STATUS, code);
}

interface ParsedError {
  code: string;
  message: string;
  hint?: string;
  requestId?: string;
}

function parseErrorBody(body: string): ParsedError | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || !("error" in parsed)) return undefined;
  const error = parsed.error;
  if (typeof error !== "object" || error === null) return undefined;
  const { code, message, hint, requestId } = error as Record<string, unknown>;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return {
    code,
    message,
    ...(typeof hint === "string" && { hint }),
    ...(typeof requestId === "string" && { requestId }),
  };
}

function codeForStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return "UNAUTHORIZED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "ROUTE_NOT_FOUND";
    case 413:
      return "PAYLOAD_TOO_LARGE";
    case 502:
      return "CONNECTION_FAILED";
    case 503:
      return "SHUTTING_DOWN";
    case 504:
      return "REQUEST_TIMEOUT";
    case 507:
      return "DISK_FULL";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_REQUEST";
  }
}
