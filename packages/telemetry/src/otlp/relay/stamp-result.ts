/** A request as it is passed on. */
export interface StampedRequest {
  /** The request, stamped. With an `OutputBuffer` it is a part of that, and gone with the next request. */
  readonly bytes: Buffer;
  /** Spans, log records, or data points of metrics. */
  readonly items: number;
  /** `ResourceSpans`, `ResourceLogs` or `ResourceMetrics`. */
  readonly resources: number;
  /** Attributes and entity references that spoke of what only the host may say. SDKs that set `service.instance.id` do so too. */
  readonly removed: number;
}

/** Why a request is not passed on. */
export interface RelayError {
  /** "malformed": it is no such request (400, INVALID_ARGUMENT). "limit": it has more in it than it may. */
  readonly kind: "malformed" | "limit";
  /** What is wrong. Holds nothing out of the request. */
  readonly reason: string;
  /** At which byte of the request. */
  readonly offset: number;
}

export type StampResult = StampedRequest | { readonly error: RelayError };
