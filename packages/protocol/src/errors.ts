/**
 * Every error of the product: HTTP status by code. `Record<ErrorCode, number>` makes a code without a status a type error.
 * The SDKs share it; a new code is added here and nowhere else.
 */
export const ERROR_STATUS = {
  INVALID_REQUEST: 400,
  INVALID_CURSOR: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  HOST_NOT_ALLOWED: 403,
  ORIGIN_NOT_ALLOWED: 403,
  ROUTE_NOT_FOUND: 404,
  SANDBOX_NOT_FOUND: 404,
  EXEC_NOT_FOUND: 404,
  TEMPLATE_NOT_FOUND: 404,
  TRACE_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  KEY_NOT_FOUND: 404,
  EXPORTER_NOT_FOUND: 404,
  INCIDENT_NOT_FOUND: 404,
  MAINTENANCE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  SANDBOX_ENDED: 409,
  SANDBOX_PAUSED: 409,
  EXEC_ENDED: 409,
  RECORD_IN_USE: 409,
  FILE_CONFLICT: 409,
  EXPORTER_CONFLICT: 409,
  INCIDENT_RESOLVED: 409,
  IDEMPOTENCY_CONFLICT: 409,
  REQUEST_TOO_SLOW: 408,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  FILE_ERROR: 422,
  UNSUPPORTED_ON_HOST: 422,
  RATE_LIMITED: 429,
  CONNECTION_LIMIT_REACHED: 429,
  SANDBOX_LIMIT_REACHED: 429,
  EXEC_LIMIT_REACHED: 429,
  EXPORTER_LIMIT_REACHED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  DRIVER_ERROR: 500,
  LOG_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
  DISK_FULL: 507,
  // What a client meets before or without an answer. The daemon sends none of these; the status is the one a gateway would give.
  CONNECTION_FAILED: 502,
  STREAM_BROKEN: 502,
  REQUEST_TIMEOUT: 504,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** The body of every error answer. */
export interface ErrorBody {
  error: { code: ErrorCode; message: string; hint?: string; requestId: string };
}

/**
 * An error of the catalogue. Thrown by the runtime and the server, turned into an {@link ErrorBody} in one place,
 * and thrown again by the SDKs.
 *
 * @example throw new SandglassError("SANDBOX_NOT_FOUND", `no sandbox ${id}`, { hint: "list them with `sandglass ps`" })
 */
export class SandglassError extends Error {
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** Of the HTTP request that failed; absent where none was made. */
  readonly requestId: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; requestId?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SandglassError";
    this.code = code;
    this.hint = options.hint;
    this.requestId = options.requestId;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}
