import { metrics, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type HistogramMetricData,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** OpenTelemetry's own SDK, registered as a program does it, with what it collects at hand for a test. */
export class TelemetrySink implements Disposable {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  readonly #meterProvider: MeterProvider;
  readonly tracerProvider: TracerProvider;

  constructor() {
    this.tracerProvider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: this.#spans })],
    });
    const reader = new PeriodicExportingMetricReader({ exporter: this.#metrics });
    this.#meterProvider = new MeterProvider({ readers: [reader] });
    trace.setGlobalTracerProvider(this.tracerProvider);
    metrics.setGlobalMeterProvider(this.#meterProvider);
  }

  /** Those that have ended. */
  get spans(): ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** The only one of this name that has ended. */
  span(name: string): ReadableSpan {
    const [found, ...more] = this.spans.filter((span) => span.name === name);
    if (found === undefined || more.length > 0)
      throw new Error(
        `${more.length + (found ? 1 : 0)} spans ${name} in ${this.spans.map((span) => span.name).join()}`,
      );
    return found;
  }

  /** What the histogram of durations has counted since it was asked last, by operation and error. */
  async durations(): Promise<Record<string, number>> {
    await this.#meterProvider.forceFlush();
    const all = this.#metrics.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    this.#metrics.reset();
    const found = all
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === "sandglass.client.operation.duration");
    const points = found.flatMap((metric) => (metric as HistogramMetricData).dataPoints);
    return Object.fromEntries(
      points.map(({ attributes, value }) => [
        [attributes["sandglass.operation"], attributes["error.type"]].filter(Boolean).join(" "),
        value.count,
      ]),
    );
  }

  [Symbol.dispose](): void {
    trace.disable();
    metrics.disable();
  }
}

/** As the `traceparent` of a request names it. */
export function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags.toString(16)}`;
}
