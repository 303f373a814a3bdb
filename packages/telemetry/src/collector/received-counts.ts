import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import type { TenantCounts } from "../otlp/receiver/tenant.ts";
import { emptyCounts } from "../otlp/receiver/tenant-account.ts";

/** What all senders together sent, those that are gone included. */
export class ReceivedCounts {
  readonly #intake: RequestIntake;
  readonly #tenants = new Set<string>();
  readonly #gone = emptyCounts();

  constructor(intake: RequestIntake) {
    this.#intake = intake;
  }

  add(tenantId: string): void {
    this.#tenants.add(tenantId);
  }

  /** The sender is gone, and no request of it under way. */
  remove(tenantId: string): void {
    if (!this.#tenants.delete(tenantId)) return;
    addTo(this.#gone, this.#intake.counts(tenantId));
    this.#intake.forget(tenantId);
  }

  total(): TenantCounts {
    const total = structuredClone(this.#gone);
    for (const tenantId of this.#tenants) addTo(total, this.#intake.counts(tenantId));
    return total;
  }
}

function addTo(total: TenantCounts, counts: TenantCounts): void {
  total.requests += counts.requests;
  total.bytes += counts.bytes;
  total.spans += counts.spans;
  total.logRecords += counts.logRecords;
  total.dataPoints += counts.dataPoints;
  addEach(total.refused, counts.refused);
  addEach(total.rejectedItems, counts.rejectedItems);
}

function addEach(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [reason, count] of Object.entries(counts)) total[reason] = (total[reason] ?? 0) + count;
}
