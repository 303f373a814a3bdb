import type { Cause } from "./causes.ts";
import type { EventDataMap, EventOrigin, EventType, RuntimeEvent } from "./events.ts";

/** A hole in what a reader got: events that were removed before it read them, counted and placed. */
export interface GapLine {
  type: "gap";
  /** Positions in the log, both inclusive. */
  fromPosition: number;
  toPosition: number;
  reason: string;
  /** Where to read on. */
  cursor: string;
}

/** One line of `GET /v1/events`: an event and the opaque cursor that `after` takes, or a gap. */
export type EventLine = (RuntimeEvent & { cursor: string }) | GapLine;

/** What an agent run may add to the record by itself; everything else is the host's to say. */
export type RunEventType = Extract<EventType, `agent.${string}`> | "cost.llm" | "run.completed";

/** One event as `POST /v1/runs/{runId}/events` takes it; the host adds id, seq, level, organisation, run and trace. */
export type RunEventInput = {
  [T in RunEventType]: {
    type: T;
    data: EventDataMap[T];
    /** ISO 8601, UTC. Default: now. */
    timestamp?: string;
    /** The event's own span. Default: a new one. */
    spanId?: string;
    /** Default: the run's root span. */
    parentSpanId?: string;
    /** Where the event belongs to a trace of its caller, into which the run's own does not reach. Default: the run's. */
    traceId?: string;
    /** Where the event belongs to one of the run's sandboxes. */
    sandboxId?: string;
  };
}[RunEventType];

/** `POST /v1/runs/{runId}/events`: 1 to 1000 events, all or none of them taken. */
export interface AddRunEventsRequest {
  events: RunEventInput[];
}
export interface AddRunEventsResult {
  accepted: number;
}

/** `running` until its `run.completed`; also where whoever ran it went away without a word. */
export type RunState = "running" | EventDataMap["run.completed"]["status"];

/** A run as `GET /v1/runs` lists it: summed up over all that belongs to it. What came out of a sandbox's own telemetry is no part. */
export interface RunSummary {
  runId: string;
  /** "" where nobody opened it here: a framework's own id. */
  name: string;
  agent?: string;
  metadata?: Record<string, string>;
  status: RunState;
  error?: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  endedAt?: string;
  /** From its start to its end; to its last event where it has none. */
  durationMs: number;
  traceId: string;
  /** Of the run's own span; "" where nobody opened it here. */
  spanId: string;
  /** US dollars: model calls and sandboxes together. */
  costUsd: number;
  llmCostUsd: number;
  runtimeCostUsd: number;
  inputTokens: number;
  outputTokens: number;
  /** Of `inputTokens`. */
  cachedTokens: number;
  llmCalls: number;
  /** Model calls without a known price: the cost is more than it says. */
  unpricedCalls: number;
  toolCalls: number;
  toolErrors: number;
  agentErrors: number;
  sandboxes: number;
  /** That have ended. */
  execs: number;
  /** Execs that ended otherwise than with exit code 0. */
  failures: number;
}

/** What a run used of one model. */
export interface RunModel {
  model: string;
  calls: number;
  unpricedCalls: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  costUsd: number;
}

/** A sandbox of a run. */
export interface RunSandbox {
  id: string;
  template: string;
  state: "running" | "paused" | "terminated";
  cause?: Cause;
  reason?: string;
  createdAt: string;
  endedAt?: string;
  execs: number;
  failures: number;
  costUsd: number;
}

/** An exec of a run that ended otherwise than with exit code 0. */
export interface RunFailure {
  execId: string;
  sandboxId: string;
  cause: Cause;
  exitCode: number;
  endedAt: string;
  reason?: string;
}

/** `GET /v1/runs/{runId}`. */
export interface RunDetail extends RunSummary {
  /** By cost, the highest first. */
  models: RunModel[];
  /** In the order of their making; at most 1000. */
  sandboxList: RunSandbox[];
  /** The last 100, newest first. */
  failureList: RunFailure[];
}

/** A trace as `GET /v1/traces` lists it. */
export interface TraceSummary {
  traceId: string;
  /** Of its first span, the host's or a caller's before any that a sandbox tells of. */
  name: string;
  /**
   * What it was about, in one line of at most 200 characters: its run's name, the first cell or command, else what else the host did
   * first ("create python", "write report.csv"), else the request's route. "" where the host recorded nothing of it. Text of those who
   * use the API: not to be shown unescaped.
   */
  subject: string;
  service: string;
  startTime: string;
  durationMs: number;
  spans: number;
  /** Spans that failed. */
  errors: number;
  /** The first of its sandboxes; "" where there is none. */
  sandboxId: string;
  /** "" where it is part of none. */
  runId: string;
}

/** A log record that a program sent with OpenTelemetry, as `GET /v1/logs` lists it; with `logs: true` a line of its output too. */
export interface LogEntry {
  id: string;
  timestamp: string;
  /** OpenTelemetry's number of it, 1 to 24: 9 is INFO, 13 WARN, 17 ERROR; 0 where it says none. */
  severity: number;
  /** What is no text as JSON; the first 65,536 characters. */
  body: string;
  /** Its event name. */
  name?: string;
  /** "" where it belongs to none. */
  traceId: string;
  spanId: string;
  /** "" for what is about none. */
  sandboxId: string;
  runId: string;
  /** Absent: the host itself. */
  origin?: EventOrigin;
  service: string;
  attributes: Record<string, unknown>;
}

/** What a reader of `GET /v1/logs/tail` could not take in time. */
export interface MissedLogs {
  type: "gap";
  missed: number;
}

/** One line of `GET /v1/logs/tail`. */
export type LogLine = LogEntry | MissedLogs;
