import type { Refusal, RefusalReason } from "./intake.ts";

/** The codes of gRPC that a receiver of OTLP gives (grpc `doc/statuscodes.md`). */
export const GRPC_CODE = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
export type GrpcCode = (typeof GRPC_CODE)[keyof typeof GRPC_CODE];

/** How a call ends. */
export interface GrpcStatus {
  readonly code: GrpcCode;
  /** For people. "" says nothing. */
  readonly message: string;
  /** Makes it one to try again, by a `RetryInfo`. */
  readonly retryAfterMs?: number | undefined;
}

const CODES: Readonly<Record<RefusalReason, GrpcCode>> = {
  malformed: GRPC_CODE.INVALID_ARGUMENT,
  too_large: GRPC_CODE.RESOURCE_EXHAUSTED,
  rate_limited: GRPC_CODE.RESOURCE_EXHAUSTED,
  in_flight: GRPC_CODE.RESOURCE_EXHAUSTED,
  log_share: GRPC_CODE.RESOURCE_EXHAUSTED,
  not_ready: GRPC_CODE.UNAVAILABLE,
  overloaded: GRPC_CODE.UNAVAILABLE,
  unavailable: GRPC_CODE.UNAVAILABLE,
};

/** What a refusal is in gRPC. */
export function statusOfRefusal({ reason, message, retryAfterMs }: Refusal): GrpcStatus {
  return { code: CODES[reason], message, retryAfterMs };
}
