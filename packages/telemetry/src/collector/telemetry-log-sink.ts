import type { DurableLog } from "../log/durable-log.ts";
import type { AcceptedRequest, RequestSink } from "../otlp/receiver/intake.ts";
import type { Tenant } from "../otlp/receiver/tenant.ts";
import type { LogShares } from "./log-shares.ts";
import type { RecordingTenant } from "./sandbox-tenant.ts";
import type { TelemetryDerivation } from "./telemetry-derivation.ts";
import { encodeTelemetryHead } from "./telemetry-record.ts";

/** Puts accepted requests into the log of telemetry, with the host's word on whose they are. */
export class TelemetryLogSink implements RequestSink {
  readonly #log: DurableLog;
  readonly #derivation: Pick<TelemetryDerivation, "note">;

  readonly #shares: LogShares;

  constructor(log: DurableLog, derivation: Pick<TelemetryDerivation, "note">, shares: LogShares) {
    this.#log = log;
    this.#derivation = derivation;
    this.#shares = shares;
  }

  waitFor(tenant: Tenant, bytes: number): number {
    const { owner } = tenant as RecordingTenant;
    return owner === undefined ? 0 : this.#shares.waitFor(owner, bytes);
  }

  /** Rejects with LOG_UNAVAILABLE, PAYLOAD_TOO_LARGE. */
  append({ tenant, signal, bytes, items }: AcceptedRequest): Promise<void> {
    const { owner } = tenant as RecordingTenant;
    if (owner === undefined) return Promise.reject(new Error(`${tenant.id} has no owner`));
    const head = encodeTelemetryHead({ ...owner, signal, items, receivedAt: Date.now() });
    const committed = this.#log.enqueue(bytes, head);
    const body = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    const position = this.#log.nextPosition - 1;
    this.#shares.add(owner, position, bytes.length);
    this.#derivation.note(signal, body, position);
    return committed;
  }
}
