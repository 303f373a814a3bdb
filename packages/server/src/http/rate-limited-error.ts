import { SandglassError } from "@sandglass/protocol";

/** RATE_LIMITED, with what the `Retry-After` header has to say (RFC 9110 section 10.2.3). */
export class RateLimitedError extends SandglassError {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, hint: string) {
    super("RATE_LIMITED", message, { hint });
    this.retryAfterMs = retryAfterMs;
  }
}
