import type { SignalOutcome } from "../exporters/otel/otlp-transport.ts";
import type { Signal } from "../otlp/model.ts";
import { addEach } from "../otlp/receiver/add-counts.ts";
import { noItems } from "../otlp/receiver/tenant-account.ts";

/** Spans, log records and data points on their way to a destination, since the collector's process began. */
export interface SentItemCounts {
  /** It has them. */
  sent: Record<Signal, number>;
  /** In attempts that failed, each as often as it was tried. */
  failed: Record<Signal, number>;
}

export function nothingSent(): SentItemCounts {
  return { sent: noItems(), failed: noItems() };
}

export function sumOfSent(a: SentItemCounts, b: SentItemCounts): SentItemCounts {
  const total = structuredClone(a);
  addEach(total.sent, b.sent);
  addEach(total.failed, b.failed);
  return total;
}

/** Counts what attempts to send came to. */
export class SentItems {
  readonly counts: SentItemCounts = nothingSent();

  add(signal: Signal, items: number, outcome: SignalOutcome): void {
    const { sent, failed } = this.counts;
    const rejected = outcome.status === "ok" ? Math.min(items, outcome.rejected ?? 0) : items;
    sent[signal] += items - rejected;
    failed[signal] += rejected;
  }
}
