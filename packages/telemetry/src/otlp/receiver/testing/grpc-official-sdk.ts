import { createRequire } from "node:module";

type Compression = "gzip" | "none";
interface Provider {
  shutdown(): Promise<void>;
}
interface Tracer {
  startSpan(name: string, options: { attributes: Record<string, unknown> }): { end(): void };
}
interface Logger {
  emit(record: { body: string; attributes: Record<string, unknown> }): void;
}
interface Meter {
  createCounter(name: string): { add(value: number, attributes: Record<string, unknown>): void };
}
type Made = new (options: object) => object;

// The SDK has them, for its own tests; telemetry needs none of them to run. Their types would have to be installed here.
const sdk = createRequire(new URL("../../../../../sdk/package.json", import.meta.url));
const node = createRequire(sdk.resolve("@opentelemetry/sdk-node"));
const { TracerProvider, BatchSpanProcessor } = sdk("@opentelemetry/sdk-trace") as {
  TracerProvider: new (options: object) => Provider & { getTracer(name: string): Tracer };
  BatchSpanProcessor: Made;
};
const { LoggerProvider, BatchLogRecordProcessor } = node("@opentelemetry/sdk-logs") as {
  LoggerProvider: new (options: object) => Provider & { getLogger(name: string): Logger };
  BatchLogRecordProcessor: Made;
};
const { MeterProvider, PeriodicExportingMetricReader } = sdk("@opentelemetry/sdk-metrics") as {
  MeterProvider: new (options: object) => Provider & { getMeter(name: string): Meter };
  PeriodicExportingMetricReader: Made;
};
const { OTLPTraceExporter } = node("@opentelemetry/exporter-trace-otlp-grpc") as { OTLPTraceExporter: Made };
const { OTLPLogExporter } = node("@opentelemetry/exporter-logs-otlp-grpc") as { OTLPLogExporter: Made };
const { OTLPMetricExporter } = node("@opentelemetry/exporter-metrics-otlp-grpc") as {
  OTLPMetricExporter: Made;
};

const ATTRIBUTES = { "a.text": "grüße", "a.number": 7, "a.flag": true, "sandglass.sandbox.id": "sbx_forged" };

/** Sends so many items of every signal with OpenTelemetry's own SDK and gRPC exporters. @throws what they report */
export async function sendByOfficialSdk(
  port: number,
  compression: Compression,
  count: number,
): Promise<void> {
  const options = { url: `http://127.0.0.1:${port}`, compression };
  const spanProcessors = [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(options) })];
  const traces = new TracerProvider({ spanProcessors });
  const processors = [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(options) })];
  const logs = new LoggerProvider({ processors });
  const readers = [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(options) })];
  const metrics = new MeterProvider({ readers });
  const counter = metrics.getMeter("test").createCounter("jobs");
  for (let index = 0; index < count; index++) {
    traces.getTracer("test").startSpan(`span ${index}`, { attributes: ATTRIBUTES }).end();
    logs.getLogger("test").emit({ body: `record ${index}`, attributes: ATTRIBUTES });
    counter.add(1, { index });
  }
  for (const provider of [traces, logs, metrics]) {
    await provider.shutdown();
  }
}
