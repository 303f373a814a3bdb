/** What it takes to read the record, and the telemetry beside it, in another thread or process: no exporter, no server comes along. */
export { readTelemetryRecord, type TelemetryRecord } from "./collector/telemetry-record.ts";
export { checksumSeed } from "./log/checksum-seed.ts";
export { FedLog } from "./log/fed-log.ts";
export type { LogUpdate } from "./log/log-feed.ts";
export type { LogProblem } from "./log/log-options.ts";
export type { LogGap, LogItem, LogRecord, ReadOptions } from "./log/log-reader.ts";
export { askedHashes, attributeHash } from "./otlp/attribute-hash.ts";
export { logsFromProtobuf, metricsFromProtobuf } from "./otlp/from-protobuf.ts";
export type {
  AnyValue,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Int64,
  KeyValue,
  NumberDataPoint,
  OtlpLogRecord,
  OtlpMetric,
  OtlpSpan,
  Resource,
  Scope,
  SummaryDataPoint,
} from "./otlp/model.ts";
export { plainAttributes, plainValue } from "./otlp/plain-attributes.ts";
export { type ReadSpan, SpanReader } from "./otlp/span-reader.ts";
export { SAMPLE_METRICS, type Sample, type SampleMetric } from "./projections/otel-sample-metrics.ts";
export { SandboxProjection } from "./projections/sandbox-info.ts";
export { isOpening, runningSpan, toSpan } from "./projections/span.ts";
export { keyOf as openingKey, TraceProjection } from "./projections/trace.ts";
export { parseEvent } from "./record/parse-event.ts";
