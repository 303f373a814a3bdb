import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import { type Flushable, loadPackages, type OtelPackages } from "./otel-packages.ts";

/**
 * Providers of this package alone, never registered: spans and durations go out over OTLP, as the `OTEL_*` variables say.
 * All clients of the process share one, since all would configure it alike.
 */
export class PrivateProvider {
  readonly tracerProvider: TracerProvider & Flushable;
  readonly meterProvider: MeterProvider & Flushable;
  #users = 0;

  private constructor(packages: OtelPackages) {
    const { resources, trace, metrics } = packages;
    const resource = resources
      .defaultResource()
      .merge(resources.detectResources({ detectors: [resources.envDetector] }));
    const exporter = packages.traceExporter && new packages.traceExporter();
    this.tracerProvider = new trace.TracerProvider({
      resource,
      spanProcessors: exporter === undefined ? [] : [trace.batching(exporter)],
    });
    const metricExporter = packages.metricExporter && new packages.metricExporter();
    this.meterProvider = new metrics.MeterProvider({
      resource,
      readers:
        metricExporter === undefined
          ? []
          : [new metrics.PeriodicExportingMetricReader({ exporter: metricExporter })],
    });
    // A script that ends by itself often has no client to close: `Sandbox.create` keeps one of its own.
    process.once("beforeExit", this.#flush);
  }

  static #shared: Promise<PrivateProvider> | undefined;

  /**
   * The one of this process; each call is to be matched by a {@link release}.
   *
   * @throws SandglassError INVALID_REQUEST, with what to install, where OpenTelemetry's packages are not there
   */
  static async acquire(): Promise<PrivateProvider> {
    PrivateProvider.#shared ??= loadPackages().then((found) => new PrivateProvider(found));
    try {
      const provider = await PrivateProvider.#shared;
      provider.#users += 1;
      return provider;
    } catch (error) {
      PrivateProvider.#shared = undefined;
      throw error;
    }
  }

  /** Sends what is held; the last user's also shuts it down. What cannot be sent is a warning: the program's work is done. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return this.#flush();
    PrivateProvider.#shared = undefined;
    process.off("beforeExit", this.#flush);
    await settled([this.tracerProvider.shutdown(), this.meterProvider.shutdown()]);
  }

  readonly #flush = (): Promise<void> =>
    settled([this.tracerProvider.forceFlush(), this.meterProvider.forceFlush()]);
}

async function settled(sendings: Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(sendings)) {
    if (outcome.status === "fulfilled") continue;
    process.emitWarning(`the client's telemetry could not be sent: ${String(outcome.reason)}`, {
      type: "SandglassWarning",
      code: "SANDGLASS_OTEL",
    });
  }
}
