/** What the receiver can bear, whoever sends. */
export interface IntakeLimits {
  /** Of one request's body as it is sent. Default 16 MiB. */
  readonly maxRequestBytes: number;
  /** Of one request's body when it is inflated. Default 16 MiB, for the durable log keeps no larger record. */
  readonly maxInflatedBytes: number;
  /**
   * Of one request in JSON when it is inflated: reading it takes up to a hundred times as long as protobuf, while nobody else is
   * served. Default 4 MiB.
   */
  readonly maxJsonBytes: number;
  /** Spans, log records or data points in one request. Default 100,000. */
  readonly maxItems: number;
  /** Bytes in flight, all tenants together. Default 256 MiB. */
  readonly totalInFlightBytes: number;
  /** Processor time that one tenant may take, in milliseconds a second; a burst of two seconds' worth is let through. Default 250. */
  readonly workMsPerSecond: number;
}

export const DEFAULT_INTAKE_LIMITS: IntakeLimits = {
  maxRequestBytes: 16 * 1024 * 1024,
  maxInflatedBytes: 16 * 1024 * 1024,
  maxJsonBytes: 4 * 1024 * 1024,
  maxItems: 100_000,
  totalInFlightBytes: 256 * 1024 * 1024,
  workMsPerSecond: 250,
};
