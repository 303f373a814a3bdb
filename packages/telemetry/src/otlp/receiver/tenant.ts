import type { Signal } from "../model.ts";
import type { ResourceStamp } from "../relay/resource-stamp.ts";

/** What one sender may ask of the receiver. One that goes beyond is refused, and nobody else notices. */
export interface TenantLimits {
  /** Body bytes a second, as they come over the wire or inflated, whichever is more; a burst of two seconds' worth is let through. Default 16 MiB. */
  readonly bytesPerSecond: number;
  /** Spans, log records and data points a second; burst as above. Default 50,000. */
  readonly itemsPerSecond: number;
  /** Bytes of bodies being read, inflated or written, all its requests together. Default 32 MiB. */
  readonly inFlightBytes: number;
  /** Distinct streams of metrics (resource, scope, name, unit, kind and attributes) over its life. Default 10,000. */
  readonly metricStreams: number;
  /** Connections at once. Default 128. */
  readonly connections: number;
}

export const DEFAULT_TENANT_LIMITS: TenantLimits = {
  bytesPerSecond: 16 * 1024 * 1024,
  itemsPerSecond: 50_000,
  inFlightBytes: 32 * 1024 * 1024,
  metricStreams: 10_000,
  connections: 128,
};

/** Who a connection belongs to, known by the socket that it came in on or by its key, never by what it says. */
export interface Tenant {
  /** The sandbox's id, or `org:` and the organisation's: for counters and for finding it again. */
  readonly id: string;
  readonly origin: "sandbox" | "host";
  /**
   * Put on everything it sends. Undefined while it has no owner (a sandbox in the pool): it is told to try again (503). May change
   * between two requests, so it is read for each.
   */
  readonly stamp: ResourceStamp | undefined;
  readonly limits: TenantLimits;
}

/** What a request came over. */
export type Transport = "http" | "grpc";

/** What is accepted, counted and refused, by tenant. All counters only go up. */
export interface TenantCounts {
  requests: number;
  bytes: number;
  spans: number;
  logRecords: number;
  dataPoints: number;
  /** Requests by the reason they were refused for: see `RefusalReason`. */
  refused: Record<string, number>;
  /** Items not taken out of requests that were: `metric_streams`. */
  rejectedItems: Record<string, number>;
  /** Items of requests that were read and then refused. What is refused unread is counted in requests alone. */
  refusedItems: Record<Signal, number>;
  /** Items of requests that could not be kept here. */
  failedItems: Record<Signal, number>;
  /** Of both, the items that the log had no room for, or could not be written with. */
  unqueuedItems: Record<Signal, number>;
}
