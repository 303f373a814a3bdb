/** What a sandbox has sent with OpenTelemetry, and what of it was not taken. */
export interface SandboxTelemetry {
  /** Spans, log records and data points that were taken. */
  acceptedItems: number;
  /** Of the requests that they came in, as they came over the wire. */
  acceptedBytes: number;
  /** Requests that were refused, by reason: `rate_limited`, `in_flight`, `log_share`, … What is in them nobody has looked at. */
  refusedRequests: Record<string, number>;
  /** Items that were left out of requests that were taken, by reason: `metric_streams`. */
  rejectedItems: Record<string, number>;
}
