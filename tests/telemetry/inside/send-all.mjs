// Runs inside a sandbox: sends what it was told, in each of the ways, with the SDK and the exporters that are installed in /opt/otel.
// Prints what the SDK made of the metrics, as JSON by combination: their times are its own.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const load = createRequire("/opt/otel/package.json");
const { sdk, combinations, spans, logs, metrics, resource, schemaUrl, version } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
  (_, value) => (value?.$bytes === undefined ? value : new Uint8Array(Buffer.from(value.$bytes, "base64"))),
);

const api = load("@opentelemetry/api");
const { resourceFromAttributes } = load("@opentelemetry/resources");
const { LoggerProvider, BatchLogRecordProcessor } = load("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader, AggregationType } = load("@opentelemetry/sdk-metrics");
const tracing = load(sdk === "otel-sdk-2" ? "@opentelemetry/sdk-trace-base" : "@opentelemetry/sdk-trace");
const TracerProvider = tracing.BasicTracerProvider ?? tracing.TracerProvider;

// What an exporter could not do it says here, and nowhere else.
const complain = (...words) => console.error(...words);
const quiet = () => undefined;
api.diag.setLogger({ error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet });

const PACKAGES = { "http/json": "http", "http/protobuf": "proto", grpc: "grpc" };
const EXPORTERS = {
  traces: ["trace", "OTLPTraceExporter"],
  logs: ["logs", "OTLPLogExporter"],
  metrics: ["metrics", "OTLPMetricExporter"],
};

function exporterOf({ signal, protocol, compression }) {
  const [name, className] = EXPORTERS[signal];
  const Exporter = load(`@opentelemetry/exporter-${name}-otlp-${PACKAGES[protocol]}`)[className];
  // The environment of the sandbox says where to: the one endpoint that it names takes gRPC as well. Of the port for gRPC alone a program
  // has to know.
  const exporter = new Exporter({
    compression,
    ...(protocol === "grpc" && compression === "gzip" && { url: "http://127.0.0.1:4317" }),
  });
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0) complain(signal, protocol, compression, result.error);
      done(result);
    });
  return exporter;
}

const contextOf = ({ traceId, spanId, traceFlags = 1, tracestate, isRemote = true }) => ({
  ...{ traceId, spanId, traceFlags, isRemote },
  ...(tracestate && { traceState: api.createTraceState(tracestate) }),
});
const under = (context) => api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(context));

const SEND = {
  async traces(combination, exporter) {
    let last = combination.spanIds - 1;
    const provider = new TracerProvider({
      resource: resourceFromAttributes(resource),
      idGenerator: {
        generateTraceId: () => combination.traceId,
        generateSpanId: () => (++last).toString(16).padStart(16, "0"),
      },
      spanProcessors: [new tracing.BatchSpanProcessor(sdk === "otel-sdk-2" ? exporter : { exporter })],
    });
    const tracer = provider.getTracer(combination.name, version, { schemaUrl });
    for (const { name, kind, start, end, parent, attributes, events = [], links = [], status } of spans) {
      const context = parent ? under({ traceId: combination.traceId, ...parent }) : api.ROOT_CONTEXT;
      const linked = links.map((link) => ({ context: contextOf(link), attributes: link.attributes }));
      const span = tracer.startSpan(name, { kind, startTime: start, attributes, links: linked }, context);
      for (const event of events) span.addEvent(event.name, event.attributes, event.time);
      if (status) span.setStatus(status);
      span.end(end);
    }
    await provider.shutdown();
  },

  async logs(combination, exporter) {
    const provider = new LoggerProvider({
      resource: resourceFromAttributes(resource),
      processors: [new BatchLogRecordProcessor({ exporter })],
    });
    const logger = provider.getLogger(combination.name, version, { schemaUrl });
    for (const { time, observed, severity, severityText, body, attributes, spanId } of logs) {
      logger.emit({
        ...{
          timestamp: time,
          observedTimestamp: observed,
          severityNumber: severity,
          severityText,
          body,
          attributes,
        },
        context: spanId ? under({ traceId: combination.traceId, spanId }) : api.ROOT_CONTEXT,
      });
    }
    await provider.shutdown();
  },

  async metrics(combination, exporter) {
    const made = [];
    const send = exporter.export.bind(exporter);
    exporter.export = (items, done) => {
      for (const { metrics } of items.scopeMetrics)
        for (const { descriptor, dataPoints } of metrics) made.push({ name: descriptor.name, dataPoints });
      send(items, done);
    };
    const provider = new MeterProvider({
      resource: resourceFromAttributes(resource),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views: metrics
        .filter(({ kind }) => kind === "exponentialHistogram")
        .map(({ name }) => ({
          instrumentName: name,
          aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { recordMinMax: true } },
        })),
    });
    const meter = provider.getMeter(combination.name, version, { schemaUrl });
    for (const { name, kind, isInt, unit, description, boundaries, points } of metrics) {
      const options = {
        ...{ unit, description, valueType: isInt ? api.ValueType.INT : api.ValueType.DOUBLE },
        ...(boundaries && { advice: { explicitBucketBoundaries: boundaries } }),
      };
      const each = (record) => {
        for (const { attributes, values } of points) for (const value of values) record(value, attributes);
      };
      const instrument = {
        counter: () => meter.createCounter(name, options),
        upDownCounter: () => meter.createUpDownCounter(name, options),
        gauge: () => meter.createGauge(name, options),
        observableCounter: () => meter.createObservableCounter(name, options),
        histogram: () => meter.createHistogram(name, options),
        exponentialHistogram: () => meter.createHistogram(name, options),
      }[kind]();
      if (instrument.addCallback)
        instrument.addCallback((result) => each((...point) => result.observe(...point)));
      else each((...point) => (instrument.add ? instrument.add(...point) : instrument.record(...point)));
    }
    await provider.shutdown();
    return made;
  },
};

const made = {};
for (const combination of combinations) {
  made[combination.name] = await SEND[combination.signal](combination, exporterOf(combination));
}
console.log(JSON.stringify(made));
