import type { DurableLog } from "../log/durable-log.ts";
import type { AcceptedRequest, RequestSink } from "../otlp/receiver/intake.ts";
import type { RecordingTenant } from "./sandbox-tenant.ts";
import { encodeTelemetryHead } from "./telemetry-record.ts";

/** Puts accepted requests into the log of telemetry, with the host's word on whose they are. */
export class TelemetryLogSink implements RequestSink {
  readonly #log: DurableLog;

  constructor(log: DurableLog) {
    this.#log = log;
  }

  /** Rejects with LOG_UNAVAILABLE, PAYLOAD_TOO_LARGE. */
  append({ tenant, signal, bytes, items }: AcceptedRequest): Promise<void> {
    const { owner } = tenant as RecordingTenant;
    if (owner === undefined) return Promise.reject(new Error(`${tenant.id} has no owner`));
    const head = encodeTelemetryHead({ ...owner, signal, items, receivedAt: Date.now() });
    return this.#log.enqueue(bytes, head);
  }
}
