/** What it takes to read the record, and the telemetry beside it, in another thread or process: no exporter, no server comes along. */
export { readTelemetryRecord, type TelemetryRecord } from "./collector/telemetry-record.ts";
export { checksumSeed } from "./log/checksum-seed.ts";
export { FedLog } from "./log/fed-log.ts";
export type { LogUpdate } from "./log/log-feed.ts";
export type { LogProblem } from "./log/log-options.ts";
export type { LogGap, LogItem, LogRecord, ReadOptions } from "./log/log-reader.ts";
export { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "./otlp/from-protobuf.ts";
export type { AnyValue, KeyValue, OtlpLogRecord, OtlpSpan, Resource, Scope } from "./otlp/model.ts";
export { isOpening, runningSpan, toSpan } from "./projections/span.ts";
export { keyOf as openingKey, TraceProjection } from "./projections/trace.ts";
export { parseEvent } from "./record/parse-event.ts";
