import type { SandboxTelemetry } from "@sandglass/protocol";
import type { TenantCounts } from "../otlp/receiver/tenant.ts";
import type { CollectorReport } from "./messages.ts";

/** How often the daemon hears of sandboxes that sent something. */
const REPORT_EVERY_MS = 1_000;

/** What one sandbox sent, in the words of the record. */
export function sandboxTelemetry(counts: TenantCounts): SandboxTelemetry {
  const { bytes, spans, logRecords, dataPoints, refused, rejectedItems } = counts;
  return {
    acceptedItems: spans + logRecords + dataPoints,
    acceptedBytes: bytes,
    refusedRequests: refused,
    rejectedItems,
  };
}

/** All of it, added up: grows with whatever it sends. */
export function hasSent({
  acceptedItems,
  acceptedBytes,
  refusedRequests,
  rejectedItems,
}: SandboxTelemetry): number {
  const refusals = [...Object.values(refusedRequests), ...Object.values(rejectedItems)];
  return refusals.reduce((sum, count) => sum + count, acceptedItems + acceptedBytes);
}

/** Tells the daemon what each sandbox has sent: once in a while, and only of those that sent something since. */
export class SandboxReports {
  readonly #sandboxes: () => Iterable<[id: string, counts: TenantCounts]>;
  readonly #post: (report: CollectorReport) => void;
  readonly #timer: NodeJS.Timeout;
  #told = new Map<string, number>();

  constructor(
    sandboxes: () => Iterable<[id: string, counts: TenantCounts]>,
    post: (report: CollectorReport) => void,
  ) {
    this.#sandboxes = sandboxes;
    this.#post = post;
    this.#timer = setInterval(() => this.#tell(), REPORT_EVERY_MS);
  }

  #tell(): void {
    const sent: Record<string, SandboxTelemetry> = {};
    const told = new Map<string, number>();
    for (const [id, counts] of this.#sandboxes()) {
      const telemetry = sandboxTelemetry(counts);
      const total = hasSent(telemetry);
      told.set(id, total);
      if (total !== (this.#told.get(id) ?? 0)) sent[id] = telemetry;
    }
    this.#told = told;
    if (Object.keys(sent).length > 0) this.#post({ kind: "sandboxes", sent });
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
