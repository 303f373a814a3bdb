import type { Signal } from "../model.ts";
import type { Tenant } from "./tenant.ts";

/** A request as it is to be kept: checked, stamped, in protobuf. */
export interface AcceptedRequest {
  readonly tenant: Tenant;
  readonly signal: Signal;
  /** An `Export…ServiceRequest`. Gone when {@link RequestSink.append} returns (not: resolves): it has to be copied or written by then. */
  readonly bytes: Uint8Array;
  /** Spans, log records or data points. */
  readonly items: number;
}

/** Where accepted requests are made durable. */
export interface RequestSink {
  /** Resolves when it is durable; rejects, or throws, where it cannot be kept now: the sender is told to try again. */
  append(request: AcceptedRequest): Promise<void>;
  /** How long the tenant should wait until it sends so many bytes more, in milliseconds; 0: it may now. Default always. */
  waitFor?(tenant: Tenant, bytes: number): number;
}

/**
 * Why a request was not taken. Transports say it in their own words:
 *
 * | reason | HTTP | gRPC |
 * | --- | --- | --- |
 * | `malformed` | 400 | INVALID_ARGUMENT |
 * | `too_large` (as sent, inflated, or too many items or resources in one request) | 413 | RESOURCE_EXHAUSTED without RetryInfo |
 * | `rate_limited`, `in_flight`, `log_share` (too much of it waits to be delivered) | 429 with Retry-After | RESOURCE_EXHAUSTED with RetryInfo |
 * | `not_ready` (no owner yet), `overloaded` (all senders together), `unavailable` (it cannot be kept now) | 503 with Retry-After | UNAVAILABLE with RetryInfo |
 */
export type RefusalReason =
  | "malformed"
  | "too_large"
  | "rate_limited"
  | "in_flight"
  | "log_share"
  | "not_ready"
  | "overloaded"
  | "unavailable";

export type IntakeAnswer =
  /** Durable. `rejected` items were left out, for what `message` says: a partial success. */
  | { readonly status: "ok"; readonly rejected?: { readonly items: number; readonly message: string } }
  | {
      readonly status: "refused";
      readonly reason: RefusalReason;
      /** For people; holds nothing out of the request. */
      readonly message: string;
      readonly retryAfterMs?: number;
    };

/** A request that was not taken. */
export type Refusal = Extract<IntakeAnswer, { status: "refused" }>;
