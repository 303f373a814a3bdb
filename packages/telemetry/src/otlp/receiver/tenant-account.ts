import type { Signal } from "../model.ts";
import type { RefusalReason } from "./intake.ts";
import type { MetricStreams } from "./metric-streams.ts";
import type { TenantCounts, Transport } from "./tenant.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What the receiver remembers of one tenant. */
export class TenantAccount {
  readonly counts: Readonly<Record<Transport, TenantCounts>> = { http: emptyCounts(), grpc: emptyCounts() };
  /** Body bytes, as they come over the wire or inflated, whichever is more. */
  readonly bytes = new TokenBucket();
  readonly items = new TokenBucket();
  /** Milliseconds of processor time. */
  readonly work = new TokenBucket();
  /** Bytes of refused requests that are read all the same. */
  readonly waste = new TokenBucket();
  /** Bytes in flight. */
  heldBytes = 0;
  /** Requests that are admitted and not over. */
  requests = 0;
  connections = 0;
  /** Settled when what is inflated now is: the next begins then. */
  inflating: Promise<void> | undefined;
  /** Made with the first metrics: most tenants send none. */
  streams: MetricStreams | undefined;

  refused(reason: string, transport: Transport): void {
    const { refused } = this.counts[transport];
    refused[reason] = (refused[reason] ?? 0) + 1;
  }

  /** Items of a request that was read, and refused for this reason. */
  lost(signal: Signal, items: number, transport: Transport, reason: RefusalReason): void {
    const { refusedItems, failedItems, unqueuedItems } = this.counts[transport];
    const counts = reason === "unavailable" ? failedItems : refusedItems;
    counts[signal] += items;
    if (reason === "unavailable" || reason === "log_share") unqueuedItems[signal] += items;
  }

  rejected(reason: string, items: number, transport: Transport): void {
    const { rejectedItems } = this.counts[transport];
    rejectedItems[reason] = (rejectedItems[reason] ?? 0) + items;
  }
}

/** None of any signal. */
export function noItems(): Record<Signal, number> {
  return { traces: 0, logs: 0, metrics: 0 };
}

/** Of a tenant that never sent anything. */
export function emptyCounts(): TenantCounts {
  return {
    ...{ requests: 0, bytes: 0, spans: 0, logRecords: 0, dataPoints: 0 },
    ...{ refused: {}, rejectedItems: {} },
    ...{ refusedItems: noItems(), failedItems: noItems(), unqueuedItems: noItems() },
  };
}
