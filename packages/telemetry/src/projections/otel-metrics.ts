import { type EventType, microTime, type RuntimeEvent } from "@sandglass/protocol";
import { type Exemplar, type OtlpMetric, TEMPORALITY } from "../otlp/model.ts";
import { Counter, Histogram, type InstrumentOptions } from "./otel-instrument.ts";
import type { KnownSandboxes } from "./otel-memory.ts";
import { microsOf, nanosOf } from "./otel-time.ts";

const MAX_SERIES = 2000;
/** Of durations in seconds. The semantic conventions' for HTTP, and on to what code takes that runs for minutes. */
const EXEC_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const HTTP_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKEN_BOUNDS = [
  1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
];

/** Anything else would let whoever sends requests make series. */
const HTTP_METHODS = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

const MEASURED: ReadonlySet<EventType> = new Set([
  "exec.completed",
  "sandbox.created",
  "sandbox.terminated",
  "cost.llm",
  "cost.runtime",
  "run.completed",
  "http.request",
  "resource.sample",
] as const);

/** Whether an event counts in any metric, or is a sample (see `SampleProjection`). */
export function isMeasured(event: RuntimeEvent): boolean {
  return MEASURED.has(event.type);
}

export type Temporality = "cumulative" | "delta";

/**
 * Metrics derived from events:
 *
 * | metric | kind, unit | attributes | from |
 * | --- | --- | --- | --- |
 * | `sandglass.exec.duration` | histogram, s, with exemplars | cause, kind, language, template, organisation | `exec.completed` |
 * | `sandglass.exec.count` | sum | the same | `exec.completed` |
 * | `sandglass.sandbox.created` | sum | template, source (pool hits), organisation | `sandbox.created` |
 * | `sandglass.sandbox.terminated` | sum | cause, template, organisation | `sandbox.terminated` |
 * | `gen_ai.client.token.usage` | histogram, {token} | operation, model, token type | `cost.llm` |
 * | `sandglass.llm.cost` | sum, {USD} | model, organisation | `cost.llm` |
 * | `sandglass.runtime.cost` | sum, {USD} | template, organisation | `cost.runtime` |
 * | `sandglass.run.cost` | sum, {USD} | agent, status, organisation | `run.completed` |
 * | `http.server.request.duration` | histogram, s, with exemplars | method, route, status, error type, scheme | `http.request` |
 *
 * Points carry the time of their report, as those of every SDK do: what is delivered late counts when it is counted. Only series
 * that changed are reported.
 */
export class EventMetrics {
  readonly #temporality: Temporality;
  readonly #execDuration: Histogram;
  readonly #execCount: Counter;
  readonly #sandboxCreated: Counter;
  readonly #sandboxTerminated: Counter;
  readonly #tokenUsage: Histogram;
  readonly #llmCost: Counter;
  readonly #runtimeCost: Counter;
  readonly #runCost: Counter;
  readonly #httpDuration: Histogram;
  #startMicros = microTime();
  #lastMicros = this.#startMicros;

  /** @param options.maxSeries of one metric; default 2000 */
  constructor(options: { temporality: Temporality; maxSeries?: number }) {
    this.#temporality = options.temporality;
    const { maxSeries = MAX_SERIES } = options;
    const define = (
      name: string,
      unit: string,
      description: string,
      labels: string[],
    ): InstrumentOptions => ({
      name,
      unit,
      description,
      labels,
      maxSeries,
    });
    const exec = [
      "sandglass.cause",
      "sandglass.exec.kind",
      "sandglass.exec.language",
      "sandglass.template.id",
      "sandglass.org.id",
    ];
    this.#execDuration = new Histogram({
      ...define(
        "sandglass.exec.duration",
        "s",
        "How long execs took, from their start to their cause.",
        exec,
      ),
      bounds: EXEC_BOUNDS,
    });
    const count = (name: string, unit: string, description: string, labels: string[]) =>
      new Counter({ ...define(name, unit, description, labels), isInteger: true });
    const cost = (name: string, description: string, labels: string[]) =>
      new Counter({ ...define(name, "{USD}", description, labels), isInteger: false });
    this.#execCount = count("sandglass.exec.count", "{exec}", "Execs that ended, by cause.", exec);
    this.#sandboxCreated = count(
      "sandglass.sandbox.created",
      "{sandbox}",
      "Sandboxes, by where they came from.",
      ["sandglass.template.id", "sandglass.sandbox.source", "sandglass.org.id"],
    );
    this.#sandboxTerminated = count(
      "sandglass.sandbox.terminated",
      "{sandbox}",
      "Sandboxes that ended, by cause.",
      ["sandglass.cause", "sandglass.template.id", "sandglass.org.id"],
    );
    this.#tokenUsage = new Histogram({
      ...define("gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", [
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "gen_ai.token.type",
      ]),
      bounds: TOKEN_BOUNDS,
    });
    this.#llmCost = cost("sandglass.llm.cost", "What calls of models cost, as reported.", [
      "gen_ai.request.model",
      "sandglass.org.id",
    ]);
    this.#runtimeCost = cost("sandglass.runtime.cost", "What running sandboxes cost.", [
      "sandglass.template.id",
      "sandglass.org.id",
    ]);
    this.#runCost = cost("sandglass.run.cost", "What agent runs cost, as reported at their end.", [
      "gen_ai.agent.name",
      "sandglass.run.status",
      "sandglass.org.id",
    ]);
    this.#httpDuration = new Histogram({
      ...define("http.server.request.duration", "s", "Duration of HTTP server requests.", [
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
        "url.scheme",
      ]),
      bounds: HTTP_BOUNDS,
    });
  }

  /** Counts an event in. @param memory has observed it */
  absorb(event: RuntimeEvent, memory: KnownSandboxes): void {
    const { orgId } = event;
    switch (event.type) {
      case "exec.completed": {
        const { cause, kind, language, durationMs } = event.data;
        const labels = [cause, kind, language, memory.sandbox(event.sandboxId)?.template, orgId];
        this.#execDuration.record(durationMs / 1000, labels, exemplarOf(event, durationMs / 1000));
        this.#execCount.add(1, labels);
        return;
      }
      case "sandbox.created":
        this.#sandboxCreated.add(1, [event.data.template, event.data.source, orgId]);
        return;
      case "sandbox.terminated":
        this.#sandboxTerminated.add(1, [event.data.cause, memory.sandbox(event.sandboxId)?.template, orgId]);
        return;
      case "cost.llm": {
        const { model, inputTokens, outputTokens, costUsd = 0, origin } = event.data;
        // A sandbox may claim what it likes: it is in the record, and in no total.
        if (origin === "sandbox") return;
        this.#tokenUsage.record(inputTokens, ["chat", model, "input"]);
        this.#tokenUsage.record(outputTokens, ["chat", model, "output"]);
        this.#llmCost.add(costUsd, [model, orgId]);
        return;
      }
      case "cost.runtime":
        this.#runtimeCost.add(event.data.costUsd, [memory.sandbox(event.sandboxId)?.template, orgId]);
        return;
      case "run.completed":
        this.#runCost.add(event.data.costUsd, [
          event.data.agent ?? event.data.name,
          event.data.status,
          orgId,
        ]);
        return;
      case "http.request": {
        const { method, route, status, durationMs, errorCode } = event.data;
        const knownMethod = HTTP_METHODS.has(method) ? method : "_OTHER";
        const errorType = errorCode ?? (status >= 500 ? String(status) : undefined);
        const seconds = durationMs / 1000;
        this.#httpDuration.record(
          seconds,
          [knownMethod, route, status, errorType, "http"],
          exemplarOf(event, seconds),
        );
      }
    }
  }

  /** What changed since the last report; empty where nothing did. @param nowMicros microseconds since 1970, default now */
  collect(nowMicros: number = microTime()): OtlpMetric[] {
    // Two points of one series at one time would be one too many.
    const timeMicros = Math.max(nowMicros, this.#lastMicros + 1);
    const isDelta = this.#temporality === "delta";
    const options = {
      startTimeUnixNano: nanosOf(isDelta ? this.#lastMicros : this.#startMicros),
      timeUnixNano: nanosOf(timeMicros),
      aggregationTemporality: isDelta ? TEMPORALITY.DELTA : TEMPORALITY.CUMULATIVE,
      resets: isDelta,
    };
    const instruments = [
      this.#execDuration,
      this.#execCount,
      this.#sandboxCreated,
      this.#sandboxTerminated,
      this.#tokenUsage,
      this.#llmCost,
      this.#runtimeCost,
      this.#runCost,
      this.#httpDuration,
    ];
    const metrics = instruments.flatMap((instrument) => instrument.collect(options) ?? []);
    if (metrics.length > 0) this.#lastMicros = timeMicros;
    return metrics;
  }
}

function exemplarOf({ timestamp, traceId, spanId }: RuntimeEvent, value: number): Exemplar {
  return { timeUnixNano: nanosOf(microsOf(timestamp)), asDouble: value, traceId, spanId };
}
