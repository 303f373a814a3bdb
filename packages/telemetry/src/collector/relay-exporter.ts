import type { EventBatch, Exporter, ExportResult, Rejection } from "../delivery/exporter.ts";
import type { LogEvent } from "../delivery/log-event.ts";
import type { OtlpTransport, SignalOutcome } from "../exporters/otel/otlp-transport.ts";
import { SIGNALS, type Signal } from "../otlp/model.ts";
import { mergeRequests } from "../otlp/relay/merge-requests.ts";
import { RefusalSearch } from "./refusal-search.ts";
import type { SentItems } from "./sent-items.ts";
import { readTelemetryRecord, type TelemetryRecord } from "./telemetry-record.ts";

export interface RelayExporterOptions {
  readonly transport: OtlpTransport;
  /** Makes of a request in protobuf what the destination wants, where that is something else. */
  readonly encode: ((signal: Signal, body: Uint8Array) => Uint8Array) | undefined;
  /** Told of every attempt. */
  readonly counted: SentItems;
}

interface Held {
  readonly event: LogEvent;
  readonly record: TelemetryRecord;
}

/**
 * Passes on what sandboxes and programs sent, as it is: requests of one signal one behind the other, as one. What a signal has taken
 * is not sent again when the batch is, and what it refuses of one sender is kept from the others' (see {@link RefusalSearch}).
 */
export class RelayExporter implements Exporter {
  readonly #options: RelayExporterOptions;
  readonly #taken = new WeakSet<LogEvent>();
  /** Why single requests were refused. */
  readonly #refused = new WeakMap<LogEvent, string>();
  readonly #refusals = new RefusalSearch<Held>(({ record }) => record.sandboxId || `org:${record.orgId}`);
  /** Signals that the destination took once. */
  readonly #known = new Set<Signal>();

  constructor(options: RelayExporterOptions) {
    this.#options = options;
  }

  async export(
    { events }: EventBatch,
    { signal: abort }: { readonly signal: AbortSignal },
  ): Promise<ExportResult> {
    const open: Held[] = [];
    for (const event of events) {
      const isSettled = this.#taken.has(event) || this.#refused.has(event);
      const record = isSettled ? undefined : readTelemetryRecord(event.payload);
      if (record !== undefined) open.push({ event, record });
    }
    const outcomes = await Promise.all(
      SIGNALS.map(async (signal) => {
        const held = open.filter(({ record }) => record.signal === signal);
        return { signal, held, outcome: await this.#sendOrIsolate(signal, held, abort) };
      }),
    );
    for (const { signal, held, outcome } of outcomes) {
      if (outcome?.status !== "ok") continue;
      for (const { event } of held) {
        if (this.#refused.has(event)) continue;
        this.#taken.add(event);
        this.#known.add(signal);
      }
    }
    const rejected: Rejection[] = events.flatMap((event, index) => {
      const reason = this.#refused.get(event);
      return reason === undefined ? [] : [{ index, reason }];
    });
    let retry: ExportResult | undefined;
    for (const { signal, held, outcome } of outcomes) {
      if (outcome === undefined || outcome.status === "ok") continue;
      // One that takes other signals, and never took this one, has no place for it.
      if (outcome.status === "unsupported" && !this.#known.has(signal) && this.#known.size > 0) {
        const reason = `unsupported_signal: ${outcome.reason}`;
        for (const { event } of held) {
          if (this.#taken.has(event) || this.#refused.has(event)) continue;
          this.#taken.add(event);
          rejected.push({ index: events.indexOf(event), reason });
        }
      } else {
        const afterMs = outcome.status === "retry" ? outcome.afterMs : undefined;
        retry ??= { status: "retry", reason: outcome.reason, afterMs };
      }
    }
    return retry ?? { status: "ok", ...(rejected.length > 0 && { rejected }) };
  }

  async shutdown(): Promise<void> {
    this.#options.transport.close();
  }

  /** Never fails: what is refused is refused one by one. */
  async #sendOrIsolate(
    signal: Signal,
    held: readonly Held[],
    abort: AbortSignal,
  ): Promise<SignalOutcome | undefined> {
    const outcome = await this.#send(signal, held, abort);
    if (outcome?.status !== "fail") return outcome;
    let other: SignalOutcome | undefined;
    const trySend = async (part: readonly Held[]): Promise<string | undefined> => {
      // Nothing more is tried than what can be told of.
      if (other !== undefined) return undefined;
      const answer = await this.#send(signal, part, abort);
      if (answer?.status === "fail") return answer.reason;
      if (answer?.status === "ok") for (const { event } of part) this.#taken.add(event);
      else other = answer;
      return undefined;
    };
    await this.#refusals.isolate(held, outcome.reason, trySend, ({ event }, reason) => {
      if (other === undefined) this.#refused.set(event, reason);
    });
    return other ?? { status: "ok" };
  }

  async #send(signal: Signal, held: readonly Held[], abort: AbortSignal): Promise<SignalOutcome | undefined> {
    if (held.length === 0) return undefined;
    const { transport, encode, counted } = this.#options;
    const requests = held.map(({ record }) => record.body);
    const request = encode ? encode(signal, mergeRequests(requests)) : requests;
    const outcome = await transport.post(signal, request, abort);
    const items = held.reduce((sum, { record }) => sum + record.items, 0);
    counted.add(signal, items, outcome);
    return outcome;
  }
}
