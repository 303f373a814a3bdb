import { MalformedOtlpError } from "../../otlp/malformed-otlp-error.ts";
import type { Signal } from "../../otlp/model.ts";
import { readRpcStatus } from "../../otlp/rpc-status.ts";
import { cleanText } from "../http/clean-text.ts";
import type { SignalOutcome } from "./otlp-transport.ts";

/** The end of a call that went wrong. */
export interface GrpcFailure {
  readonly code: number;
  /** `grpc-message`. */
  readonly details: string;
  /** `grpc-status-details-bin`, where it came. */
  readonly statusDetails: Uint8Array | undefined;
}

// grpc/status.proto; the names are those of the specification.
const NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;
type StatusName = (typeof NAMES)[number];

/** For a person: it will not pass by itself. */
const ADVICE: Partial<Record<StatusName, string>> = {
  UNAUTHENTICATED: "the credentials were not accepted: correct the headers",
  PERMISSION_DENIED: "the credentials do not allow writing there: correct them or their permissions",
  NOT_FOUND: "nothing takes OTLP there: correct the endpoint",
  UNIMPLEMENTED: "it does not speak OTLP over gRPC: correct the endpoint or the protocol",
};

/** What servers say to a message above their limit, which has a code that means "later" otherwise. */
const TOO_LARGE = /larger than max|message.*too (large|big)/i;

/**
 * What the status of a call means for the request of one signal (OTLP specification, "OTLP/gRPC Response").
 *
 * The specification would have UNKNOWN, INTERNAL, RESOURCE_EXHAUSTED without RetryInfo and what only a person can put right dropped;
 * here they are tried again, and only what is wrong with the data itself is given up. A request that is too large is split.
 */
export function outcomeOfStatus(signal: Signal, failure: GrpcFailure, where: string): SignalOutcome {
  const name = NAMES[failure.code] ?? "UNKNOWN";
  const { message, retryDelayMs } = detailsOf(failure);
  const advice = ADVICE[name];
  const says = cleanText(message || failure.details);
  const reason = `${where}: gRPC ${name}${advice ? ` (${advice})` : ""}${says && `: ${says}`}`;
  switch (name) {
    case "INVALID_ARGUMENT":
    case "ALREADY_EXISTS":
      return { status: "fail", reason };
    case "UNIMPLEMENTED":
      return { status: signal === "traces" ? "retry" : "unsupported", reason };
    case "RESOURCE_EXHAUSTED":
      if (TOO_LARGE.test(failure.details)) return { status: "fail", reason };
      return { status: "retry", reason, afterMs: retryDelayMs };
    default:
      return { status: "retry", reason, afterMs: retryDelayMs };
  }
}

function detailsOf({ statusDetails }: GrpcFailure): { message: string; retryDelayMs: number | undefined } {
  if (statusDetails === undefined) return { message: "", retryDelayMs: undefined };
  try {
    return readRpcStatus(statusDetails);
  } catch (error) {
    // The code has said enough.
    if (error instanceof MalformedOtlpError) return { message: "", retryDelayMs: undefined };
    throw error;
  }
}
