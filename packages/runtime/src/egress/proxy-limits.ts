/** What one sandbox may have of the proxy. */
export interface ProxyLimits {
  /** Connections from inside at once; more are closed as they come. */
  maxConnections: number;
  /** Requests in a second, after as many at once. */
  requestsPerSecond: number;
  /** Names being resolved at once; the others wait. */
  maxLookups: number;
  /** Request line and fields. */
  maxHeaderBytes: number;
  /** From the connection's beginning, or the request's, to the end of its fields. */
  headersTimeoutMs: number;
  /** Until the destination answers the connection. */
  connectTimeoutMs: number;
  /** A connection over which nothing passes, also because one side does not read. */
  idleTimeoutMs: number;
  /** A kept connection without a request. */
  keepAliveTimeoutMs: number;
}

export const PROXY_LIMITS: ProxyLimits = {
  maxConnections: 256,
  requestsPerSecond: 200,
  maxLookups: 8,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  connectTimeoutMs: 15_000,
  idleTimeoutMs: 300_000,
  keepAliveTimeoutMs: 5_000,
};
