export type {
  Cause,
  Check,
  ComponentInfo,
  ComponentStatus,
  CreatedKey,
  CreateSandboxRequest,
  DeadLetter,
  DeadTelemetry,
  DeletionResult,
  DoctorReport,
  EgressOptions,
  ErrorCode,
  EventDataMap,
  EventLine,
  EventType,
  ExecInfo,
  ExitEvent,
  ExporterCounts,
  ExporterFilterSpec,
  ExporterInfo,
  ExporterSpec,
  ExporterState,
  FileInfo,
  FlushResult,
  GapLine,
  IncidentImpact,
  IncidentInfo,
  IncidentStatus,
  IncidentUpdate,
  Isolation,
  KeyInfo,
  Language,
  Level,
  LogEntry,
  LogLine,
  MaintenanceInfo,
  MaintenanceStatus,
  MetricAggregation,
  MetricInfo,
  MetricSeries,
  MetricSeriesList,
  MetricType,
  MissedLogs,
  NetworkOptions,
  OpenIncidentRequest,
  OutputEvent,
  Page,
  RecordMode,
  ResultEvent,
  RunDetail,
  RunFailure,
  RunModel,
  RunSandbox,
  RunState,
  RunSummary,
  RuntimeEvent,
  RuntimeEventOf,
  SandboxDiff,
  SandboxInfo,
  SandboxLimits,
  SandboxSource,
  SandboxState,
  SandboxTelemetry,
  ScheduleMaintenanceRequest,
  Scope,
  SignalName,
  StartRunRequest,
  StatusExport,
  StatusReport,
  StreamEvent,
  TelemetryDelivery,
  TraceInfo,
  TraceSpan,
  TraceSummary,
  UnenforcedLimit,
  UpdateIncidentRequest,
} from "@sandglass/protocol";
export { Agent, type ToolCall, type ToolCallOptions, type ToolOutcome } from "./agent.ts";
export { Client, type ClientOptions } from "./client.ts";
export { type CommandOptions, Commands } from "./commands.ts";
export type { ContentOptions } from "./content.ts";
export { ConnectionError, SandglassError, StreamError, TimeoutError } from "./errors.ts";
export type { EventsOptions } from "./events.ts";
export type { ExecHandlers, ExecResult } from "./exec.ts";
export { Execs, type PageOptions } from "./execs.ts";
export { Exporters, type FlushOptions } from "./exporters.ts";
export { type FileCallOptions, type FileContent, Files } from "./files.ts";
export { type CreateKeyOptions, Keys } from "./keys.ts";
export type { LogFilter, TailLogsOptions } from "./log-tail.ts";
export { type ListLogsOptions, Logs } from "./logs.ts";
export { type MetricSeriesOptions, Metrics } from "./metrics.ts";
export { outputBytes, outputText } from "./output.ts";
export { type ListRunsOptions, RecordedRuns } from "./recorded-runs.ts";
export { Run, type RunEnding, type RunOptions, type RunStatus } from "./runs.ts";
export { type ClientChoice, type RunCodeOptions, Sandbox } from "./sandbox.ts";
export { type CreateSandboxOptions, type ListSandboxesOptions, Sandboxes } from "./sandboxes.ts";
export { SECRET_PATTERNS } from "./secret-patterns.ts";
export { type HistoryOptions, Status } from "./status.ts";
export { type ListTracesOptions, type TimeRange, Traces } from "./traces.ts";
export type { TraceOptions } from "./tracing.ts";
export { VERSION } from "./version.ts";
