import type { Cause } from "./causes.ts";
import type { EventOrigin, SandboxSource } from "./events.ts";
import type { NetworkOptions } from "./network-api.ts";
import type { SandboxTelemetry } from "./sandbox-telemetry.ts";
import type { SignalName } from "./signals.ts";

export type Language = "python" | "javascript" | "bash";
export const LANGUAGES: readonly Language[] = ["python", "javascript", "bash"];

export type SandboxState = "starting" | "running" | "paused" | "terminating" | "terminated";
export type Isolation = "bubblewrap" | "crun" | "gvisor" | "kubernetes";
export type RecordMode = "full" | "metadata";

/** `POST /v1/sandboxes`. Every field is optional; defaults come from the template, then the daemon. */
export interface CreateSandboxRequest {
  template?: string;
  vcpu?: number;
  memoryMb?: number;
  diskMb?: number;
  maxPids?: number;
  /** Bytes one exec may write to stdout and stderr together before it ends with `output_limit`. */
  maxOutputBytes?: number;
  /** Lifetime in milliseconds; 0 is unlimited. */
  timeoutMs?: number;
  idleTimeoutMs?: number;
  onIdle?: "pause" | "terminate";
  env?: Record<string, string>;
  metadata?: Record<string, string>;
  isolation?: Isolation;
  record?: RecordMode;
  /**
   * What its programs send with OpenTelemetry, and the host's spans about it, go to the caller's own endpoint too: that of
   * `OTEL_EXPORTER_OTLP_ENDPOINT` and its relatives in `env`, which never reach the sandbox, or the daemon's default. Default: where
   * one of these names an endpoint.
   */
  otelExport?: boolean;
  /** Programs inside report spans of themselves, without a change to their code. Default: the template's, else false. */
  instrument?: boolean;
  /**
   * Lines of stdout and stderr become OpenTelemetry log records too, up to 1,000 lines and 1 MiB a second; how many were beyond that is
   * said. Default: the template's, else false. Refused beside `record: "metadata"`, which keeps output out.
   */
  logs?: boolean;
  /** What it may reach. Default: the template's, else nothing. */
  network?: NetworkOptions;
  runId?: string;
}

export interface SandboxLimits {
  vcpu: number;
  memoryMb: number;
  diskMb: number;
  maxPids: number;
  maxOpenFiles: number;
  maxOutputBytes: number;
  maxConcurrentExecs: number;
  timeoutMs: number;
  idleTimeoutMs: number;
}

/** A limit that this host cannot enforce, and why. */
export interface UnenforcedLimit {
  limit: keyof SandboxLimits;
  reason: string;
}

export interface SandboxInfo {
  id: string;
  /** The sandbox that it was forked from; absent where it was not. */
  parentId?: string;
  state: SandboxState;
  template: string;
  source: SandboxSource;
  isolation: Isolation;
  limits: SandboxLimits;
  /** Empty on a host that enforces everything. */
  unenforced: UnenforcedLimit[];
  onIdle: "pause" | "terminate";
  record: RecordMode;
  /** Whether its telemetry goes to its owner's own endpoint too. */
  otelExport: boolean;
  instrument: boolean;
  logs: boolean;
  /** As it was asked for; empty where it reaches nothing. */
  network: NetworkOptions;
  metadata: Record<string, string>;
  runId: string;
  traceId: string;
  createdAt: string;
  /** How long the create took, milliseconds. */
  createMs: number;
  /** Absent where it sent nothing. */
  telemetry?: SandboxTelemetry;
  endedAt?: string;
  cause?: Cause;
  reason?: string;
}

/** `POST …/exec`: a cell (`code`) or a command (`command` for a shell line, `argv` for none). Exactly one of the three. */
export interface ExecRequest {
  code?: string;
  language?: Language;
  contextId?: string;
  command?: string;
  argv?: string[];
  cwd?: string;
  env?: Record<string, string>;
  /** Text given to the process's stdin, which is then closed. Commands only. */
  stdin?: string;
  timeoutMs?: number;
}

export interface ExecInfo {
  id: string;
  sandboxId: string;
  state: "queued" | "running" | "completed";
  kind: "code" | "command";
  language?: Language;
  contextId?: string;
  /** Absent where the sandbox records metadata only. */
  code?: string;
  command?: string;
  traceId: string;
  spanId: string;
  startedAt: string;
  endedAt?: string;
  exitCode?: number;
  signal?: string;
  cause?: Cause;
  reason?: string;
  durationMs?: number;
  cpuMs?: number;
  maxRssBytes?: number;
  stdoutBytes: number;
  stderrBytes: number;
}

interface StreamBase {
  /** Counts the lines of one exec from 0, without gaps. */
  seq: number;
  /** Unix time in milliseconds. */
  ts: number;
}
export interface OutputEvent extends StreamBase {
  type: "stdout" | "stderr";
  data: string;
  /** Present where the bytes are not UTF-8. */
  encoding?: "base64";
}
export interface ResultEvent extends StreamBase {
  type: "result";
  /** By MIME type; "text/plain" is always there. */
  data: Record<string, string>;
}
export interface ExitEvent extends StreamBase {
  type: "exit";
  /** Equal to `code`. */
  data: number;
  /** 128 + signal number where a signal ended it. */
  code: number;
  signal?: string;
  cause: Cause;
  /** Says the limit in words where the cause is a limit. */
  reason?: string;
  durationMs: number;
  execId: string;
  /** The context's variables are gone: the next cell starts a fresh interpreter. */
  contextLost?: boolean;
}
/** One line of an exec's NDJSON stream; the last is always `exit`. */
export type StreamEvent = OutputEvent | ResultEvent | ExitEvent;

export interface FileInfo {
  name: string;
  /** Absolute, inside the sandbox. */
  path: string;
  type: "file" | "directory" | "symlink" | "other";
  sizeBytes: number;
  /** Permission bits, e.g. 0o644. */
  mode: number;
  /** ISO 8601. */
  modifiedAt: string;
  /** Where `type` is "symlink". */
  target?: string;
}

/** `GET …/files`. */
export interface FileList {
  items: FileInfo[];
}
/** `POST …/files/mkdir`: parents are made, one that exists is no error. */
export interface MakeDirectoryRequest {
  path: string;
}
/** `POST …/files/move`. */
export interface MoveFileRequest {
  from: string;
  to: string;
}

/** `POST …/execs/{execId}/kill`. */
export interface KillRequest {
  /** Default "SIGKILL". */
  signal?: SignalName;
}

export interface Page<T> {
  items: T[];
  /** Opaque; absent on the last page. */
  nextCursor?: string;
}

/** One span of a trace, projected from events. */
export interface TraceSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: SpanKind;
  startTime: string;
  durationMs: number;
  /** "running" where the beginning is recorded and the end is not yet; "unset" where a program did not say. */
  status: "ok" | "error" | "unset" | "running";
  /** What a program said of its status. */
  message?: string;
  cause?: Cause;
  /** "" for what is about none. */
  sandboxId: string;
  /** Absent: the host itself. `sandbox`: a program inside said it, and may say anything; `client`: a program with a key. */
  origin?: EventOrigin;
  /** Of a program that says so: its `service.name`. */
  service?: string;
  /** Name and version of the instrumentation. */
  scope?: { name: string; version?: string };
  /** JSON values; integers beyond what a JavaScript number holds exactly are decimal text. */
  attributes: Record<string, unknown>;
  events?: { timestamp: string; name: string; attributes: Record<string, unknown> }[];
  links?: { traceId: string; spanId: string; attributes: Record<string, unknown> }[];
}
/** As OpenTelemetry has them. */
export type SpanKind = "UNSPECIFIED" | "INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER";

export interface TraceInfo {
  traceId: string;
  /** By their start: the host's, and those that programs inside sandboxes and agents sent. At most 50,000. */
  spans: TraceSpan[];
  /** Events of the trace that are points in time, not spans of their own (e.g. `sandbox.booted`). */
  events: {
    timestamp: string;
    type: string;
    spanId: string;
    sandboxId: string;
    data: Record<string, unknown>;
  }[];
}

/** One thing `sandglass doctor` looked at. */
export interface Check {
  name: string;
  status: "ok" | "warn" | "error";
  detail: string;
  /** What to do about it. */
  hint?: string;
}

/** `POST /v1/runs`: opens one agent run; everything that names its `runId` belongs to it. */
export interface StartRunRequest {
  name: string;
  agent?: string;
  metadata?: Record<string, string>;
}
export interface RunInfo {
  runId: string;
  name: string;
  traceId: string;
  /** The run's root span: parent of everything done inside it. */
  spanId: string;
  startedAt: string;
}

/** `GET /v1/doctor`. */
export interface DoctorReport {
  version: string;
  checks: Check[];
  /** Every option with the value in force and where it came from; secrets read "[set]". */
  config: { option: string; value: string; source: "default" | "file" | "environment" | "flag" }[];
}

/** `GET /healthz` and `GET /readyz`. */
export interface Health {
  /** "starting" until recovery is done, "stopping" from the shutdown's begin, "failing" where the log cannot be written. */
  status: "ok" | "starting" | "stopping" | "failing";
  version: string;
  uptimeMs: number;
  /** Why it is not "ok". */
  reason?: string;
}
