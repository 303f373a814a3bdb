import type { KeyValue, MetricsData, Scope } from "@sandglass/telemetry";
import type { Family } from "./family.ts";
import { countPoints, type Snapshot, toOtlpMetrics } from "./otlp-metrics.ts";
import type { Component, ReaderMetrics } from "./reader-metrics.ts";

/** Longest that one request may take. */
const TIMEOUT_MS = 10_000;
/** A destination that has no place for metrics may be given one. */
const UNSUPPORTED_PAUSE_MS = 600_000;

/** What became of a request; a reason holds no secret. */
export type PostOutcome =
  | { readonly status: "ok"; readonly rejected?: number; readonly reason?: string }
  | { readonly status: "retry"; readonly reason: string; readonly afterMs?: number | undefined }
  | { readonly status: "fail" | "unsupported"; readonly reason: string };

export interface SelfMetricsOptions {
  /** All metrics as they are now (`Metrics.collect`). */
  readonly collect: () => readonly Family[];
  /** `Metrics.readers`. */
  readonly readers: ReaderMetrics;
  /** What sends and where to, as in `otel.component.*`: `{type: "otlp_http_metric_exporter", name: "otel"}`. */
  readonly component: Component;
  /** Attributes of the daemon; nothing of a sandbox. */
  readonly resource: readonly KeyValue[];
  readonly scope: Scope;
  readonly temporality: "cumulative" | "delta";
  /** An `ExportMetricsServiceRequest` in the encoding of the protocol. */
  readonly encode: (data: MetricsData) => Uint8Array;
  /** Sends it to the destination. Should not reject; one that does counts as `retry`. */
  readonly post: (body: Uint8Array, abort: AbortSignal) => Promise<PostOutcome>;
  /** Time between two exports; 0 sends once, at the end. */
  readonly intervalMs: number;
  /** Also those that the exporter at the same destination derives from events. Default false: they would be there twice. */
  readonly withDerived?: boolean;
  /** Told when exports begin to fail, not of each. Must not throw. */
  readonly onProblem: (message: string) => void;
}

/**
 * Sends the daemon's own metrics over OTLP. It is no reader of the record and writes nothing into it: what it does shows in
 * `otel.sdk.exporter.*` of the next export and nowhere else, so that exporting cannot feed itself. Nothing is queued: what could not
 * be sent is in the totals, or the delta, of the next.
 */
export class SelfMetricsExporter {
  readonly #options: SelfMetricsOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  /** What the destination has. */
  #taken: Snapshot | undefined;
  /** `performance.now()` before which nothing is sent. */
  #pausedUntil = 0;
  #isFailing = false;
  #isClosed = false;

  constructor(options: SelfMetricsOptions) {
    this.#options = options;
  }

  start(): void {
    const { intervalMs } = this.#options;
    if (intervalMs > 0) this.#timer = setInterval(() => void this.export(), intervalMs).unref();
  }

  /** Sends what there is now; where a request is under way already, resolves with that one. Never rejects. */
  export(timeoutMs: number = TIMEOUT_MS): Promise<void> {
    if (this.#isClosed || performance.now() < this.#pausedUntil) return Promise.resolve();
    this.#sending ??= this.#export(timeoutMs).finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** Sends a last time and ends. What is under way after the time is given up. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    const endsAt = performance.now() + deadlineMs;
    const timer = setTimeout(() => this.#stopping.abort(), deadlineMs);
    try {
      await this.#sending;
      await this.export(Math.max(0, endsAt - performance.now()));
    } finally {
      this.#isClosed = true;
      clearTimeout(timer);
    }
  }

  async #export(timeoutMs: number): Promise<void> {
    const { readers, component } = this.#options;
    try {
      const startedAt = performance.now();
      const { snapshot, body, points } = this.#collect();
      readers.collected(component, performance.now() - startedAt);
      await this.#send(snapshot, body, points, timeoutMs);
    } catch (error) {
      // Of what was to be read, not of what was sent: nobody waits for this, so it would end the process.
      this.#fail(describe(error));
    }
  }

  async #send(snapshot: Snapshot, body: Uint8Array, points: number, timeoutMs: number): Promise<void> {
    const { readers, component } = this.#options;
    const startedAt = performance.now();
    readers.inFlight(component, points);
    const outcome = await this.#post(body, timeoutMs);
    readers.inFlight(component, -points);
    const tookMs = performance.now() - startedAt;
    if (outcome.status === "ok") {
      const rejected = Math.min(points, outcome.rejected ?? 0);
      readers.exported(component, tookMs, points - rejected);
      if (rejected > 0) readers.rejected(component, rejected);
      this.#taken = snapshot;
      this.#isFailing = false;
      return;
    }
    readers.exported(component, tookMs, points, outcome.status);
    if (outcome.status === "unsupported") this.#pause(UNSUPPORTED_PAUSE_MS);
    if (outcome.status === "retry") this.#pause(outcome.afterMs ?? 0);
    this.#fail(outcome.reason);
  }

  #fail(reason: string): void {
    const { component, onProblem } = this.#options;
    if (!this.#isFailing) onProblem(`the daemon's metrics were not taken by ${component.name}: ${reason}`);
    this.#isFailing = true;
  }

  #collect(): { snapshot: Snapshot; body: Uint8Array; points: number } {
    const { collect, temporality, resource, scope, encode, withDerived = false } = this.#options;
    const families = collect().filter(({ isDerived }) => withDerived || isDerived !== true);
    const snapshot = { families, timeMs: Date.now() };
    const metrics = toOtlpMetrics(snapshot, {
      temporality,
      startMs: performance.timeOrigin,
      before: this.#taken,
    });
    const data = {
      resourceMetrics: [{ resource: { attributes: [...resource] }, scopeMetrics: [{ scope, metrics }] }],
    };
    return { snapshot, body: encode(data), points: countPoints(metrics) };
  }

  async #post(body: Uint8Array, timeoutMs: number): Promise<PostOutcome> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(Math.ceil(timeoutMs))]);
    try {
      return await this.#options.post(body, signal);
    } catch (error) {
      return { status: "retry", reason: describe(error) };
    }
  }

  #pause(ms: number): void {
    this.#pausedUntil = performance.now() + ms;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
