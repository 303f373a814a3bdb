import type { RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch, Exporter, ExportResult, Rejection } from "../../delivery/exporter.ts";
import type { KeyValue, Scope, Signal } from "../../otlp/model.ts";
import { projectBatch } from "../../projections/otel-batch.ts";
import { OtelMemory } from "../../projections/otel-memory.ts";
import { isMeasured, type Temporality } from "../../projections/otel-metrics.ts";
import { endsSpan } from "../../projections/otel-span.ts";
import { isOpening } from "../../projections/span.ts";
import { MetricStream } from "./metric-stream.ts";
import { type BatchState, BIT, mergeRejected, SentMemory } from "./otel-batch-state.ts";
import type { OtlpEncoder } from "./otlp-encoder.ts";
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

/** The signals, by `BIT`, that have something to say of an event. What begins a span is told with the span. */
export function partsOf(event: RuntimeEvent): number {
  const spans = isOpening(event) || endsSpan(event) ? BIT.traces : 0;
  return spans | BIT.logs | (isMeasured(event) ? BIT.metrics : 0);
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
  readonly #memory = new OtelMemory();
  readonly #sent = new SentMemory();
  readonly #switches: SignalSwitches;
  readonly #metrics: MetricStream;
  /** What was ever taken. */
  readonly #known = new Set<Signal>();

  constructor(options: OtelExporterOptions) {
    const { service, scope, temporality, encoder, transport } = options;
    this.#options = options;
    this.#switches = options.switches ?? new SignalSwitches();
    this.#metrics = new MetricStream({
      service,
      scope,
      temporality,
      memory: this.#memory,
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
    const rejected = [...mergeRejected(state.rejected), ...this.#untold(batch)];
    return rejected.length === 0 ? { status: "ok" } : { status: "ok", rejected };
  }

  async shutdown(): Promise<void> {
    this.#options.transport.close();
  }

  #begin({ events }: EventBatch): BatchState {
    const { signals, service, scope, encoder } = this.#options;
    const on = signals.filter((signal) => this.#switches.whyOff(signal) === undefined);
    const states = events.map((event) => this.#sent.eventState(event));
    const isWanted = (signal: Signal, index: number) =>
      on.includes(signal) && (states[index]!.sent & BIT[signal]) === 0;
    const projected = projectBatch(
      events.map(({ event }) => event),
      (index) => ({ traces: isWanted("traces", index), logs: isWanted("logs", index) }),
      { service, scope, memory: this.#memory },
    );
    const bodies: BatchState["bodies"] = new Map();
    const { traces, logs, spanCount, logCount } = projected;
    if (spanCount > 0) bodies.set("traces", { bytes: encoder.traces(traces), items: spanCount });
    if (logCount > 0) bodies.set("logs", { bytes: encoder.logs(logs), items: logCount });

    const pending = new Set<Signal>(bodies.keys());
    let metricsUpTo = 0;
    let measured = 0;
    if (signals.includes("metrics")) {
      const uncounted = events.filter((_, index) => (states[index]!.sent & BIT.metrics) === 0);
      measured = uncounted.filter(({ event }) => isMeasured(event)).length;
      const isOff = !on.includes("metrics");
      metricsUpTo = Math.max(
        this.#metrics.absorb(uncounted, isOff),
        ...states.map((state) => state.metricsUpTo),
      );
      if (metricsUpTo > 0) pending.add("metrics");
    }
    return { bodies, metricsUpTo, measured, pending, rejected: [] };
  }

  #send(signal: Signal, state: BatchState, abort: AbortSignal): Promise<SignalOutcome> {
    if (signal === "metrics") return this.#metrics.deliver(state.metricsUpTo, abort);
    return this.#options.transport.post(signal, state.bodies.get(signal)!.bytes, abort);
  }

  #take(signal: Signal, outcome: SignalOutcome & { status: "ok" }, state: BatchState): void {
    this.#known.add(signal);
    state.pending.delete(signal);
    const items = signal === "metrics" ? state.measured : (state.bodies.get(signal)?.items ?? 0);
    if (signal !== "metrics") state.bodies.delete(signal);
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
    return transport.post(signal, encoder[signal]({}), abort);
  }

  /** Events that no signal tells of any more. */
  #untold({ events }: EventBatch): Rejection[] {
    const off = this.#options.signals.filter((signal) => this.#switches.whyOff(signal) !== undefined);
    if (off.length === 0) return [];
    const on = this.#options.signals.filter((signal) => !off.includes(signal));
    const bits = (signals: readonly Signal[]) => signals.reduce((sum, signal) => sum | BIT[signal], 0);
    const why = off.map((signal) => this.#switches.whyOff(signal)).join("; ");
    const advice = `set signals: ${JSON.stringify(on)} to leave such events out`;
    const reason = `unsupported_signal: ${off.join(" and ")} not taken: ${why}; ${advice}`;
    return events.flatMap(({ event }, index) => {
      const parts = partsOf(event);
      const isTold = (parts & bits(on)) !== 0 || (parts & bits(off)) === 0;
      return isTold ? [] : [{ index, reason }];
    });
  }
}
