export { Collector, type CollectorOptions } from "./collector/collector.ts";
export { eraseTelemetry } from "./collector/erase-telemetry.ts";
export { checkDestination, type DestinationContext } from "./collector/forward/check-destination.ts";
export type { CollectorSettings, CollectorSnapshot, PortIdentity } from "./collector/messages.ts";
export type { OutputLine, OutputLines } from "./collector/output-lines.ts";
export { isRelay } from "./collector/prepare-relay.ts";
export { type ClientRefusal, refuseRequest } from "./collector/refuse-request.ts";
export { refuseWithoutKey } from "./collector/refuse-without-key.ts";
export type { SandboxSockets } from "./collector/served-sandboxes.ts";
export { Delivery, type DeliveryOptions } from "./delivery/delivery.ts";
export type { ExporterFilter } from "./delivery/event-selector.ts";
export type {
  Checkpoint,
  DeliveryTraits,
  EventBatch,
  Exporter,
  ExportResult,
  Rejection,
} from "./delivery/exporter.ts";
export type { ExporterOptions, ExporterOwner } from "./delivery/exporter-options.ts";
export { LogEvent } from "./delivery/log-event.ts";
export { type DeadLetterQuery, readDeadLetters } from "./delivery/read-dead-letters.ts";
export type { RetryOptions } from "./delivery/retry-schedule.ts";
export { commonOptions, traitsOf } from "./exporters/common-options.ts";
export type {
  ObservabilityExporter,
  ObservabilityExporterFactory,
} from "./exporters/custom/observability-exporter.ts";
export {
  type DeliveryFailure,
  defineExporter,
  type ExporterDefinition,
  type ExporterProviders,
  type PrepareContext,
  type PreparedExporter,
} from "./exporters/definition.ts";
export type {
  AxiomConfig,
  ConsoleConfig,
  ExporterConfigs,
  JsonlConfig,
  OtelConfig,
  PostgresConfig,
  WebhookConfig,
} from "./exporters/exporter-configs.ts";
export { type HttpAnswer, HttpSender } from "./exporters/http/http-sender.ts";
export { isNonPublicHost } from "./exporters/http/public-address.ts";
export { type OtelMetricsLine, openOtelMetrics } from "./exporters/otel/open-otel-metrics.ts";
export { PermanentError } from "./exporters/permanent-error.ts";
export { ExporterRegistry } from "./exporters/registry.ts";
export { signatureHeaders, signingKey } from "./exporters/webhook/signing-key.ts";
export { DurableLog } from "./log/durable-log.ts";
export type { Durability, DurableLogOptions, LogProblem, LogRecovery, LogStats } from "./log/log-options.ts";
export type { LogGap, LogItem, LogRecord, ReadOptions } from "./log/log-reader.ts";
export type { NamedReader } from "./log/named-reader.ts";
export type { Retention } from "./log/retention.ts";
export type { Erased } from "./log/rewrite-segment.ts";
export {
  type HistogramDataPoint,
  type KeyValue,
  type MetricsData,
  type NumberDataPoint,
  type OtlpMetric,
  type Scope,
  TEMPORALITY,
} from "./otlp/model.ts";
export { type LogFilter, parseLogDirectives } from "./projections/log-directives.ts";
export {
  formatLogJson,
  formatLogText,
  type LogLine,
  logTargetOf,
  type RequestContext,
  toLogLine,
} from "./projections/log-line.ts";
export { runningSpan, spanName, toSpan } from "./projections/span.ts";
export { TraceProjection } from "./projections/trace.ts";
export { ErasableEvents, type Erasure } from "./record/erasure.ts";
export { decodeCursor, encodeCursor } from "./record/event-cursor.ts";
export type { OpenExec, OpenSandbox, Recovery } from "./record/open-work.ts";
export type { RecordedEvent, RecordedGap, RecordLine, RecordQuery } from "./record/record-query.ts";
export { Recorder, type RecorderOptions, type RecorderStats } from "./recorder.ts";
