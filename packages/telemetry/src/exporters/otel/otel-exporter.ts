import type { RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch, Exporter, ExportResult, Rejection } from "../../delivery/exporter.ts";
import type { KeyValue, Scope, Signal } from "../../otlp/model.ts";
import type { Wanted } from "../../projections/otel-batch.ts";
import { isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import { endsSpan } from "../../projections/otel-span.ts";
import { isOpening } from "../../projections/span.ts";
import { MetricStream } from "./metric-stream.ts";
import { type BatchState, BIT, mergeRejected, SentMemory } from "./otel-batch-state.ts";
import type { BatchEncoder, OtlpEncoder } from "./otlp-encoder.ts";
import type { OtlpTransport, SignalOutcome } from "./otlp-transport.ts";
import { SignalSwitches } from "./signal-switches.ts";

export interface OtelExporterOptions {
  /** At least one. */
  readonly signals: readonly Signal[];
  readonly service: readonly KeyValue[];
  readonly scope: Scope;
  readonly temporality: Temporality;
  readonly encoder: OtlpEncoder;
  readonly transport: OtlpTransport;
  /** Default a new one. */
  readonly switches?: SignalSwitches;
}

/** By the bits of traces and logs. */
const WANTED: readonly Wanted[] = [0, 1, 2, 3].map((bits) => ({
  traces: (bits & BIT.traces) !== 0,
  logs: (bits & BIT.logs) !== 0,
}));

/** By type. */
const knownParts = new Map<string, number>();
const MAX_KNOWN_TYPES = 1000;

/** Of the event before: most are of the same type. */
let lastType = "";
let lastParts = 0;

/** The signals, by `BIT`, that have something to say of events of its type. What begins a span is told with the span. */
export function partsOf(event: RuntimeEvent): number {
  const { type } = event;
  if (type !== lastType) {
    lastParts = knownPartsOf(event);
    lastType = type;
  }
  return lastParts;
}

function knownPartsOf(event: RuntimeEvent): number {
  let parts = knownParts.get(event.type);
  if (parts === undefined) {
    const spans = isOpening(event) || endsSpan(event) ? BIT.traces : 0;
    parts = spans | BIT.logs | (isMeasured(event) ? BIT.metrics : 0);
    if (knownParts.size < MAX_KNOWN_TYPES) knownParts.set(event.type, parts);
  }
  return parts;
}

/**
 * Sends a batch as up to three requests, one a signal. When it is tried again, or split, what took it is not sent it again.
 *
 * A destination may have no place for logs or metrics (404, 405, 501, UNIMPLEMENTED). It is believed where it takes another signal
 * at the same time and never took this one: then the signal is left out for ten minutes, and events that nothing else tells of are
 * rejected. Metrics that it refuses for good are left out alike: they say nothing that spans and logs do not.
 */
export class OtelExporter implements Exporter {
  readonly #options: OtelExporterOptions;
  readonly #batches: BatchEncoder;
  readonly #sent = new SentMemory();
  readonly #switches: SignalSwitches;
  readonly #metrics: MetricStream;
  /** What was ever taken. */
  readonly #known = new Set<Signal>();

  constructor(options: OtelExporterOptions) {
    const { service, scope, temporality, encoder, transport } = options;
    this.#options = options;
    this.#switches = options.switches ?? new SignalSwitches();
    this.#batches = encoder.batches({ service, scope });
    this.#metrics = new MetricStream({
      service,
      scope,
      temporality,
      sandboxes: this.#batches.sandboxes,
      encode: (data) => encoder.metrics(data),
      post: (body, abort) => transport.post("metrics", body, abort),
    });
  }

  async export(
    batch: EventBatch,
    { signal: abort }: { readonly signal: AbortSignal },
  ): Promise<ExportResult> {
    const state = this.#sent.stateOf(batch, () => this.#begin(batch));
    const sending = [...state.pending].filter((signal) => this.#switches.whyOff(signal) === undefined);
    const outcomes = new Map<Signal, SignalOutcome>();
    await Promise.all(
      sending.map(async (signal) => outcomes.set(signal, await this.#send(signal, state, abort))),
    );
    for (const [signal, outcome] of outcomes) if (outcome.status === "ok") this.#take(signal, outcome, state);

    let failed: string | undefined;
    let retry: { reason: string; afterMs: number | undefined } | undefined;
    for (const [signal, outcome] of outcomes) {
      if (outcome.status === "fail" && signal !== "metrics") failed ??= outcome.reason;
      else if (outcome.status === "fail") this.#refuseMetrics(outcome.reason, state);
      else if (outcome.status === "unsupported") {
        if (await this.#hasNoPlace(signal, outcomes, abort)) this.#switches.turnOff(signal, outcome.reason);
        else retry ??= { reason: outcome.reason, afterMs: undefined };
      } else if (outcome.status === "retry") {
        const afterMs = Math.max(retry?.afterMs ?? 0, outcome.afterMs ?? 0) || undefined;
        retry = { reason: retry?.reason ?? outcome.reason, afterMs };
      }
    }
    if (failed !== undefined) {
      this.#sent.split(
        batch,
        state,
        sending.filter((signal) => !state.pending.has(signal)),
      );
      return { status: "fail", reason: failed };
    }
    if (retry !== undefined) return { status: "retry", ...retry };
    const rejected = [...mergeRejected(state.rejected), ...this.#untold(state)];
    return rejected.length === 0 ? { status: "ok" } : { status: "ok", rejected };
  }

  async shutdown(): Promise<void> {
    this.#options.transport.close();
  }

  #begin({ events }: EventBatch): BatchState {
    const { signals } = this.#options;
    const on = signals
      .filter((signal) => this.#switches.whyOff(signal) === undefined)
      .reduce((sum, signal) => sum | BIT[signal], 0);
    const count = signals.includes("metrics")
      ? this.#metrics.countBatch((on & BIT.metrics) === 0)
      : undefined;
    const parts = new Uint8Array(events.length);
    let metricsUpTo = 0;
    const written = this.#batches.write(
      events,
      (index) => WANTED[on & ~this.#sent.eventState(events[index]!).sent & (BIT.traces | BIT.logs)]!,
      (event, index) => {
        const record = events[index]!;
        const before = this.#sent.eventState(record);
        parts[index] = partsOf(event);
        metricsUpTo = Math.max(metricsUpTo, before.metricsUpTo);
        if ((before.sent & BIT.metrics) === 0) count?.absorb(event, record);
      },
    );
    const bodies: BatchState["bodies"] = new Map();
    const { traces, logs, spanCount, logCount, unreadable } = written;
    if (traces !== undefined) bodies.set("traces", { bytes: traces, items: spanCount });
    if (logs !== undefined) bodies.set("logs", { bytes: logs, items: logCount });
    const pending = new Set<Signal>(bodies.keys());
    metricsUpTo = count === undefined ? 0 : Math.max(metricsUpTo, count.upTo);
    if (metricsUpTo > 0) pending.add("metrics");
    const measured = count?.measured ?? 0;
    return { bodies, metricsUpTo, measured, parts, unreadable, pending, rejected: [] };
  }

  #send(signal: Signal, state: BatchState, abort: AbortSignal): Promise<SignalOutcome> {
    if (signal === "metrics") return this.#metrics.deliver(state.metricsUpTo, abort);
    return this.#options.transport.post(signal, state.bodies.get(signal)!.bytes, abort);
  }

  #take(signal: Signal, outcome: SignalOutcome & { status: "ok" }, state: BatchState): void {
    this.#known.add(signal);
    state.pending.delete(signal);
    const body = signal === "metrics" ? undefined : state.bodies.get(signal);
    const items = signal === "metrics" ? state.measured : (body?.items ?? 0);
    if (signal !== "metrics") state.bodies.delete(signal);
    // An attempt before this one has failed by now, and what it sent over is cut.
    if (body !== undefined) this.#batches.release(body.bytes);
    const { rejected = 0, reason = "" } = outcome;
    // Of a span or a record there is one an event; of data points nobody knows whose they were.
    if (rejected > 0) state.rejected.push({ count: Math.min(rejected, Math.max(1, items)), reason });
  }

  #refuseMetrics(reason: string, state: BatchState): void {
    state.pending.delete("metrics");
    state.rejected.push({ count: Math.max(1, state.measured), reason });
    if (this.#options.signals.length > 1) this.#switches.turnOff("metrics", reason);
  }

  /** Whether the destination is all right but for this signal, and not in a bad moment, or the endpoint wrong. */
  async #hasNoPlace(
    signal: Signal,
    outcomes: ReadonlyMap<Signal, SignalOutcome>,
    abort: AbortSignal,
  ): Promise<boolean> {
    if (this.#known.has(signal)) return false;
    const others = this.#options.signals.filter((other) => other !== signal);
    for (const other of others) {
      const { status } = outcomes.get(other) ?? (await this.#ask(other, abort));
      // One that it finds a mistake in, it has read.
      if (status === "ok" || status === "fail") return true;
    }
    return false;
  }

  /** With a request of nothing, which servers say yes to. */
  #ask(signal: Signal, abort: AbortSignal): Promise<SignalOutcome> {
    const { transport, encoder } = this.#options;
    return transport.post(signal, encoder.nothing, abort);
  }

  /** Events that no signal tells of, or not any more. */
  #untold({ parts, unreadable }: BatchState): Rejection[] {
    const rejections = unreadable.map((index): Rejection => ({ index, reason: "the record is no event" }));
    const off = this.#options.signals.filter((signal) => this.#switches.whyOff(signal) !== undefined);
    if (off.length === 0) return rejections;
    const on = this.#options.signals.filter((signal) => !off.includes(signal));
    const bits = (signals: readonly Signal[]) => signals.reduce((sum, signal) => sum | BIT[signal], 0);
    const why = off.map((signal) => this.#switches.whyOff(signal)).join("; ");
    const advice = `set signals: ${JSON.stringify(on)} to leave such events out`;
    const reason = `unsupported_signal: ${off.join(" and ")} not taken: ${why}; ${advice}`;
    for (const [index, told] of parts.entries()) {
      if ((told & bits(on)) === 0 && (told & bits(off)) !== 0) rejections.push({ index, reason });
    }
    return rejections;
  }
}
