import { createRequire } from "node:module";
import { join } from "node:path";
import type { Signal } from "../../model.ts";

// They are not among this package's own: our SDK has OpenTelemetry's for its tests, which comes with every exporter.
const sdk = createRequire(join(import.meta.dirname, "../../../../../sdk/package.json"));
const fromSdkNode = createRequire(sdk.resolve("@opentelemetry/sdk-node"));

/** The packages of OpenTelemetry for JavaScript that send over HTTP, by what they write. */
const PACKAGES = { json: "http", protobuf: "proto" } as const;

export interface OfficialExport {
  /** `http://127.0.0.1:4318` */
  endpoint: string;
  encoding: keyof typeof PACKAGES;
  compression: "none" | "gzip";
}

/** What each of {@link EXPORTS} sends, once. */
export const SENT = {
  spans: ["first", "second", "third"],
  attributes: { "http.request.method": "GET", retries: 3, ratio: 0.5, isCached: true, tags: ["a", "b"] },
  logs: ["one", "two"],
  points: 9007,
} as const;

/** Makes telemetry with OpenTelemetry's own SDK and sends it with its own exporter. */
export const EXPORTS: Readonly<Record<Signal, (to: OfficialExport) => Promise<void>>> = {
  traces: async (to) => {
    const { TracerProvider, BatchSpanProcessor } = fromSdkNode("@opentelemetry/sdk-trace");
    const processor = new BatchSpanProcessor({ exporter: exporterOf("trace", "OTLPTraceExporter", to) });
    const provider = new TracerProvider({ resource: resource(), spanProcessors: [processor] });
    const tracer = provider.getTracer("tests", "1.0.0");
    for (const name of SENT.spans) tracer.startSpan(name, { attributes: SENT.attributes }).end();
    await provider.shutdown();
  },
  logs: async (to) => {
    const { LoggerProvider, BatchLogRecordProcessor } = fromSdkNode("@opentelemetry/sdk-logs");
    const processor = new BatchLogRecordProcessor({ exporter: exporterOf("logs", "OTLPLogExporter", to) });
    const provider = new LoggerProvider({ resource: resource(), processors: [processor] });
    const logger = provider.getLogger("tests");
    for (const body of SENT.logs) logger.emit({ body, severityNumber: 9, attributes: SENT.attributes });
    await provider.shutdown();
  },
  metrics: async (to) => {
    const { MeterProvider, PeriodicExportingMetricReader } = fromSdkNode("@opentelemetry/sdk-metrics");
    const exporter = exporterOf("metrics", "OTLPMetricExporter", to);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
    const provider = new MeterProvider({ resource: resource(), readers: [reader] });
    const meter = provider.getMeter("tests");
    meter.createCounter("calls").add(SENT.points, { route: "/" });
    meter.createHistogram("duration", { unit: "ms" }).record(12.5, { route: "/" });
    await provider.shutdown();
  },
};

function resource(): unknown {
  const { resourceFromAttributes } = fromSdkNode("@opentelemetry/resources");
  return resourceFromAttributes({
    "service.name": "official",
    "service.instance.id": "what the SDK made up",
    "sandglass.sandbox.id": "sbx_forged",
  });
}

function exporterOf(kind: "trace" | "logs" | "metrics", name: string, to: OfficialExport): unknown {
  const { endpoint, encoding, compression } = to;
  const exporters = fromSdkNode(`@opentelemetry/exporter-${kind}-otlp-${PACKAGES[encoding]}`);
  const path = kind === "trace" ? "traces" : kind;
  return new exporters[name]({ url: `${endpoint}/v1/${path}`, compression });
}
