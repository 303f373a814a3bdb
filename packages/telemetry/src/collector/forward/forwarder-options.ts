import type { RetryOptions } from "../../delivery/retry-schedule.ts";
import type { DurableLog } from "../../log/durable-log.ts";
import type { SentItems } from "../sent-items.ts";
import type { DestinationStore } from "./destination-store.ts";

export interface ForwarderOptions {
  /** Of telemetry; see `encodeTelemetryHead`. */
  log: DurableLog;
  store: DestinationStore;
  /** Where what destinations refuse goes: one private file for all. */
  deadLetterPath: string;
  /** Told of every attempt to send. */
  counted?: SentItems | undefined;
  /** Default as for exporters. */
  retry?: Partial<RetryOptions> | undefined;
  /** A destination that no sandbox uses any more is given up when it took nothing for so long. Default 24 h. */
  maxAgeMs?: number | undefined;
  /** Requests in memory, of all destinations together. Default 64 MiB. */
  totalBytes?: number | undefined;
  /** Of one signal of one destination. Default 4 MiB. */
  laneBytes?: number | undefined;
  /** Of the same, whatever the others hold. Default 64 KiB. */
  shareBytes?: number | undefined;
  /** A request that is sent is not made larger than this, unless one record alone is. Default 2 MiB: gRPC servers take 4 at most. */
  batchBytes?: number | undefined;
  /** Spans, log records or data points in it. Default 8192. */
  batchItems?: number | undefined;
  /** How long a trickle is gathered before it is read. Default 50. */
  lingerMs?: number | undefined;
  /** A destination takes nothing. Must not throw. @param reason without secrets @param lag requests that wait */
  onStall?(id: string, reason: string, lag: number): void;
  /** It takes something again. Must not throw. */
  onRecover?(id: string, stalledMs: number): void;
  /** Told of what nobody else hears: the log cannot be read, a cursor cannot be written. Must not throw. */
  onProblem?(message: string, error?: unknown): void;
}

export const FORWARD_DEFAULTS = {
  maxAgeMs: 24 * 60 * 60 * 1000,
  totalBytes: 64 * 1024 * 1024,
  laneBytes: 4 * 1024 * 1024,
  shareBytes: 64 * 1024,
  batchBytes: 2 * 1024 * 1024,
  batchItems: 8192,
  lingerMs: 50,
} as const;
