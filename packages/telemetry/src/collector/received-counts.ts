import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import type { TenantCounts, Transport } from "../otlp/receiver/tenant.ts";
import { emptyCounts } from "../otlp/receiver/tenant-account.ts";

const TRANSPORTS: readonly Transport[] = ["http", "grpc"];

/** What all senders together sent, those that are gone included. */
export class ReceivedCounts {
  readonly #intake: RequestIntake;
  readonly #tenants = new Set<string>();
  readonly #gone: Record<Transport, TenantCounts> = { http: emptyCounts(), grpc: emptyCounts() };

  constructor(intake: RequestIntake) {
    this.#intake = intake;
  }

  add(tenantId: string): void {
    this.#tenants.add(tenantId);
  }

  /** The sender is gone, and no request of it under way. */
  remove(tenantId: string): void {
    if (!this.#tenants.delete(tenantId)) return;
    this.#addTo(this.#gone, tenantId);
    this.#intake.forget(tenantId);
  }

  /** Of one sender that is there, over all transports. A copy. */
  of(tenantId: string): TenantCounts {
    return this.#intake.counts(tenantId);
  }

  total(): Record<Transport, TenantCounts> {
    const total = structuredClone(this.#gone);
    for (const tenantId of this.#tenants) this.#addTo(total, tenantId);
    return total;
  }

  #addTo(total: Record<Transport, TenantCounts>, tenantId: string): void {
    for (const transport of TRANSPORTS) this.#intake.addCountsTo(total[transport], tenantId, transport);
  }
}
