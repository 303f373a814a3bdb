export { DurableLog } from "./log/durable-log.ts";
export type { Durability, DurableLogOptions, LogProblem, LogRecovery, LogStats } from "./log/log-options.ts";
export type { LogGap, LogItem, LogRecord, ReadOptions } from "./log/log-reader.ts";
export type { NamedReader } from "./log/named-reader.ts";
export type { Retention } from "./log/retention.ts";
export { type LogFilter, parseLogDirectives } from "./projections/log-directives.ts";
export {
  formatLogJson,
  formatLogText,
  type LogLine,
  type RequestContext,
  toLogLine,
} from "./projections/log-line.ts";
export { runningSpan, spanName, toSpan } from "./projections/span.ts";
export { TraceProjection } from "./projections/trace.ts";
export type { OpenExec, OpenSandbox, Recovery } from "./record/open-work.ts";
export type { RecordedEvent, RecordedGap, RecordLine, RecordQuery } from "./record/record-query.ts";
export { Recorder, type RecorderOptions, type RecorderStats } from "./recorder.ts";
