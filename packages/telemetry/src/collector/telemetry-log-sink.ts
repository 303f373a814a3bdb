import type { DurableLog } from "../log/durable-log.ts";
import type { AcceptedRequest, RequestSink } from "../otlp/receiver/intake.ts";
import type { RecordingTenant } from "./sandbox-tenant.ts";
import type { TelemetryDerivation } from "./telemetry-derivation.ts";
import { encodeTelemetryHead } from "./telemetry-record.ts";

/** Puts accepted requests into the log of telemetry, with the host's word on whose they are. */
export class TelemetryLogSink implements RequestSink {
  readonly #log: DurableLog;
  readonly #derivation: Pick<TelemetryDerivation, "note">;

  constructor(log: DurableLog, derivation: Pick<TelemetryDerivation, "note">) {
    this.#log = log;
    this.#derivation = derivation;
  }

  /** Rejects with LOG_UNAVAILABLE, PAYLOAD_TOO_LARGE. */
  append({ tenant, signal, bytes, items }: AcceptedRequest): Promise<void> {
    const { owner } = tenant as RecordingTenant;
    if (owner === undefined) return Promise.reject(new Error(`${tenant.id} has no owner`));
    const head = encodeTelemetryHead({ ...owner, signal, items, receivedAt: Date.now() });
    const committed = this.#log.enqueue(bytes, head);
    const body = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    this.#derivation.note(signal, body, this.#log.nextPosition - 1);
    return committed;
  }
}
