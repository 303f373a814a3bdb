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

  rejected(reason: string, items: number, transport: Transport): void {
    const { rejectedItems } = this.counts[transport];
    rejectedItems[reason] = (rejectedItems[reason] ?? 0) + items;
  }
}

/** Of a tenant that never sent anything. */
export function emptyCounts(): TenantCounts {
  return { requests: 0, bytes: 0, spans: 0, logRecords: 0, dataPoints: 0, refused: {}, rejectedItems: {} };
}
