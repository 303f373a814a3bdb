import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import { SandglassError } from "../errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Constructor<Options extends unknown[], T> = new (...options: Options) => T;

/** What both SDK providers can do besides. */
export interface Flushable {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

interface Resource {
  merge(other: Resource): Resource;
}

/** As much of OpenTelemetry's packages as the private provider uses: alike in their lines 2 and 3. */
export interface OtelPackages {
  resources: {
    defaultResource(): Resource;
    detectResources(options: { detectors: unknown[] }): Resource;
    envDetector: unknown;
  };
  trace: {
    TracerProvider: Constructor<
      [{ resource: Resource; spanProcessors: unknown[] }],
      TracerProvider & Flushable
    >;
    batching: (exporter: unknown) => unknown;
  };
  metrics: {
    MeterProvider: Constructor<[{ resource: Resource; readers: unknown[] }], MeterProvider & Flushable>;
    PeriodicExportingMetricReader: Constructor<[{ exporter: unknown }], unknown>;
  };
  /** Undefined where OTEL_TRACES_EXPORTER is `none`. */
  traceExporter: Constructor<[], unknown> | undefined;
  /** Undefined where OTEL_METRICS_EXPORTER is `none`. */
  metricExporter: Constructor<[], unknown> | undefined;
}

/** How exporters end, by what OTEL_EXPORTER_OTLP_PROTOCOL names. */
const SUFFIXES: Readonly<Record<string, string>> = {
  grpc: "grpc",
  "http/json": "http",
  "http/protobuf": "proto",
};

/**
 * Imports what a program may have installed besides.
 *
 * @throws SandglassError INVALID_REQUEST where some of it is missing; the hint is the line that installs it
 */
export async function loadPackages(env: Environment = process.env): Promise<OtelPackages> {
  const names = {
    traceExporter: exporterName("trace", "TRACES", env),
    metricExporter: exporterName("metrics", "METRICS", env),
  };
  const missing: string[] = [];
  const load = async (name: string): Promise<Module> => {
    const module = await importIfThere(name);
    if (module === undefined) missing.push(name);
    return module ?? {};
  };
  const [resources, trace, metrics, traceExporter, metricExporter] = await Promise.all([
    load("@opentelemetry/resources"),
    // Up to 2.11 the SDK for traces was this package alone.
    importIfThere("@opentelemetry/sdk-trace").then(
      (found) => found ?? importIfThere("@opentelemetry/sdk-trace-base"),
    ),
    load("@opentelemetry/sdk-metrics"),
    names.traceExporter === undefined ? undefined : load(names.traceExporter),
    names.metricExporter === undefined ? undefined : load(names.metricExporter),
  ]);
  if (trace === undefined) missing.push("@opentelemetry/sdk-trace");
  if (trace === undefined || missing.length > 0) throw missingError(missing);
  return {
    resources: resources as unknown as OtelPackages["resources"],
    trace: traceSdk(trace),
    metrics: metrics as unknown as OtelPackages["metrics"],
    traceExporter: traceExporter?.OTLPTraceExporter as Constructor<[], unknown> | undefined,
    metricExporter: metricExporter?.OTLPMetricExporter as Constructor<[], unknown> | undefined,
  };
}

type Module = Record<string, unknown>;

function traceSdk(module: Module): OtelPackages["trace"] {
  const Batching = module.BatchSpanProcessor as Constructor<unknown[], unknown>;
  const isBase = module.TracerProvider === undefined;
  return {
    TracerProvider: (module.TracerProvider ??
      module.BasicTracerProvider) as OtelPackages["trace"]["TracerProvider"],
    batching: (exporter) => (isBase ? new Batching(exporter) : new Batching({ exporter })),
  };
}

function exporterName(signal: "trace" | "metrics", variable: string, env: Environment): string | undefined {
  if (env[`OTEL_${variable}_EXPORTER`]?.trim() === "none") return undefined;
  const protocol = env[`OTEL_EXPORTER_OTLP_${variable}_PROTOCOL`] || env.OTEL_EXPORTER_OTLP_PROTOCOL || "";
  return `@opentelemetry/exporter-${signal}-otlp-${SUFFIXES[protocol.trim()] ?? "proto"}`;
}

async function importIfThere(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch (error) {
    const isMissing =
      error instanceof Error &&
      "code" in error &&
      (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND") &&
      error.message.includes(`'${name}'`);
    if (!isMissing) throw error;
    return undefined;
  }
}

function missingError(missing: readonly string[]): SandglassError {
  const names = missing.toSorted();
  return new SandglassError(
    "INVALID_REQUEST",
    `the client is to send its own telemetry, and ${names.join(", ")} ${names.length === 1 ? "is" : "are"} not installed`,
    { hint: `npm install ${names.join(" ")}` },
  );
}
