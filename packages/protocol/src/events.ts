import type { Cause } from "./causes.ts";
import type { RecordDeletedData } from "./deletion-api.ts";
import type { NetworkOptions } from "./network-api.ts";
import type { NetworkDeniedData, NetworkEgressData } from "./network-events.ts";
import type { SandboxTelemetry } from "./sandbox-telemetry.ts";
import type { StatusEventDataMap } from "./status-events.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Where a sandbox came from. */
export type SandboxSource = "pool" | "on_demand" | "snapshot";

/** What an exec runs. `code` fields are left out where the sandbox records metadata only. */
export interface ExecSubject {
  execId: string;
  kind: "code" | "command";
  /** For `kind: "code"`. */
  language?: string;
  contextId?: string;
  code?: string;
  /** For `kind: "command"`: the shell line, or argv joined for display. */
  command?: string;
}

/** What a cell raised and did not catch. What it says of itself is the cell's own word: cut where it is long, and not to be trusted. */
export interface ExecException {
  /** As the language calls it: `ValueError`, `json.decoder.JSONDecodeError`, `TypeError`. */
  type: string;
  /** This and the stack trace only where `record` is "full". */
  message?: string;
  /** As it is written to stderr; absent where what was thrown has none. */
  stacktrace?: string;
}

export interface ExecCompletedData extends ExecSubject {
  /** 128 + signal number where a signal ended it. */
  exitCode: number;
  signal?: string;
  cause: Cause;
  durationMs: number;
  cpuMs: number;
  maxRssBytes: number;
  stdoutBytes: number;
  stderrBytes: number;
  /** The context's variables are gone: the next cell starts a fresh interpreter. */
  contextLost?: boolean;
  /** Says a limit in words where the cause is a limit: "memory limit 256 MiB". */
  reason?: string;
  exception?: ExecException;
  /** Last 4 KiB of each stream, where `record` is "full". */
  stdoutTail?: string;
  stderrTail?: string;
}

export interface FileData {
  /** Left out where the sandbox records metadata only. */
  path?: string;
  sizeBytes: number;
  durationMs: number;
}

/**
 * Who says it. Absent: the host's own API recorded it. `client`: derived from telemetry that a program with a key sent. `sandbox`: derived
 * from telemetry that came out of a sandbox, where anything may be said: never part of a total that is trusted.
 */
export type EventOrigin = "client" | "sandbox";

/**
 * Where `costUsd` is from. `reported`: who reports the call says so. `table`: from the tokens, by list prices or those of the
 * configuration. `unknown`: no price is known for the model, and `costUsd` is absent.
 */
export type Priced = "reported" | "table" | "unknown";

/** The payload of every event type. A new type is added here, in `schemas/events.ts`, and in the projections. */
export interface EventDataMap extends StatusEventDataMap {
  "sandbox.created": {
    template: string;
    source: SandboxSource;
    vcpu: number;
    memoryMb: number;
    diskMb: number;
    isolation: string;
    /** The policy in force, be it the request's or the template's; `{}` where nothing is reached. Earlier versions did not record it. */
    network?: NetworkOptions;
    durationMs: number;
    metadata?: Record<string, string>;
    /** The sandbox that it was forked from; `source` is "snapshot" then. */
    parentId?: string;
  };
  "sandbox.claimed": { template: string; source: SandboxSource; claimMs: number };
  "sandbox.booted": { template: string; bootMs: number; connectMs: number };
  "sandbox.started": {
    template: string;
    /** How long the process inside took to answer, where this sandbox was booted for the call. */
    connectMs?: number;
  };
  "sandbox.paused": { reason: "user" | "idle"; durationMs: number };
  "sandbox.resumed": { reason: "user" | "call"; durationMs: number; pausedMs: number };
  "sandbox.terminated": {
    cause: Cause;
    reason?: string;
    /** From created to terminated; with `host_crash`, to the last sign of life of the daemon that had it. */
    lifetimeMs: number;
    /** How long taking it down took. */
    durationMs: number;
    execs: number;
    cpuMs: number;
    /** All that it sent; absent where that is nothing. */
    telemetry?: SandboxTelemetry;
  };
  "sandbox.error": { code: string; message: string };
  "sandbox.forked": { children: string[]; durationMs: number };
  "sandbox.merged": {
    winner: string;
    durationMs: number;
    /** Files, links and directories that were taken over from the winner; those that it had no more. */
    added?: number;
    modified?: number;
    removed?: number;
  };
  "exec.started": ExecSubject & { cwd?: string; timeoutMs?: number };
  "exec.completed": ExecCompletedData;
  "exec.streamed": {
    execId: string;
    stream: "stdout" | "stderr";
    offset: number;
    bytes: number;
    chunks: number;
  };
  "exec.error": { execId: string; code: string; message: string };
  "exec.timed_out": { execId: string; timeoutMs: number };
  "file.created": FileData;
  "file.modified": FileData;
  "file.read": FileData;
  "file.deleted": { path?: string; durationMs: number };
  "file.error": {
    path?: string;
    operation: string;
    code: string;
    message: string;
    /** How long it took to fail. Records of earlier releases do not say. */
    durationMs?: number;
  };
  "port.exposed": { port: number };
  "port.closed": { port: number };
  /** An agent that works for the run's own begins; `agent.completed` with the same `spanId` is its end. */
  "agent.started": { agentName: string };
  "agent.completed": {
    agentName: string;
    status: "ok" | "error" | "cancelled";
    durationMs: number;
    /** What went wrong; only its kind where content is not recorded. */
    error?: string;
  };
  "agent.thinking": { text?: string; bytes: number; origin?: EventOrigin };
  "agent.tool_call": { toolName: string; toolCallId: string; arguments?: string; origin?: EventOrigin };
  "agent.tool_result": {
    toolName: string;
    toolCallId: string;
    durationMs: number;
    isError: boolean;
    result?: string;
    origin?: EventOrigin;
  };
  "agent.error": { message: string; errorType?: string; origin?: EventOrigin };
  /** What came up since the one before of this sandbox: all of them together are what it cost. */
  "cost.runtime": {
    cpuMs: number;
    /** The memory it may use, in MiB, times the milliseconds it was there, paused ones too. */
    memoryMbMs: number;
    /** By the rates of `costRates`; 0 where there are none. */
    costUsd: number;
  };
  "cost.llm": {
    model: string;
    /** Who serves it, as the sender calls it: "openai", "aws.bedrock". */
    provider?: string;
    /** All of the input, also what was read from or written to a cache. */
    inputTokens: number;
    /** All of the output, also reasoning. */
    outputTokens: number;
    /** Of `inputTokens`: read from a cache. */
    cachedTokens?: number;
    /** Of `inputTokens`: written to a cache. */
    cacheCreationTokens?: number;
    /** Of `outputTokens`. */
    reasoningTokens?: number;
    costUsd?: number;
    priced?: Priced;
    origin?: EventOrigin;
  };
  "network.egress": NetworkEgressData;
  "network.denied": NetworkDeniedData;
  "resource.sample": {
    /** Of `cpuLimit`, from 0 to 1, since the sample before; 0 in the first. */
    cpuUtilization: number;
    /** With what the kernel caches of its files. */
    memoryUsageBytes: number;
    memoryLimitBytes: number;
    diskUsageBytes: number;
    /** 0 where it has no disk of its own; then its usage is not known either. */
    diskLimitBytes: number;
    pids: number;
    /** Processes that the kernel killed for memory; this and the two below since the first sample. */
    oomKills: number;
    cpuMs?: number;
    /** How long its processes were held back by `cpuLimit`, each on each processor. */
    throttledMs?: number;
    /** Processors. */
    cpuLimit?: number;
    /** Since the first sample. */
    uptimeMs?: number;
    /** Through the egress proxy, from outside and to it; these four since the sandbox's beginning, absent where it has none. */
    egressBytesIn?: number;
    egressBytesOut?: number;
    egressConnections?: number;
    egressDenied?: number;
    /** Since its beginning; absent where it sent nothing. */
    telemetry?: SandboxTelemetry;
  };
  "http.request": {
    method: string;
    /** The route's template, e.g. `/v1/sandboxes/{id}`; "" where none matched. */
    route: string;
    path: string;
    status: number;
    durationMs: number;
    requestId: string;
    /** Where it came from: the connection's peer, or what a trusted proxy says of it. */
    clientAddress?: string;
    /** Of the key that it was let in with; absent where there was none. */
    keyId?: string;
    sandboxId?: string;
    errorCode?: string;
  };
  "host.started": {
    version: string;
    pid: number;
    recovery?: { sandboxes: number; execs: number; truncatedBytes: number; corruptRecords: number };
  };
  "host.stopped": { cause: Cause; uptimeMs: number };
  "exporter.stalled": { exporter: string; reason: string; lagEvents: number };
  "exporter.recovered": { exporter: string; stalledMs: number };
  "record.deleted": RecordDeletedData;
  "run.started": { name: string; agent?: string; metadata?: Record<string, string> };
  "run.completed": {
    name: string;
    /** As `run.started` says. */
    agent?: string;
    status: "ok" | "error" | "cancelled";
    durationMs: number;
    costUsd: number;
    inputTokens: number;
    outputTokens: number;
    error?: string;
  };
}

export type EventType = keyof EventDataMap;

export { EVENT_TYPES } from "./event-types.ts";

interface EventBase<T extends EventType> {
  /** "evt_" + UUIDv7: sorts by time, stable across retries; the deduplication key. */
  id: string;
  /** Per sandbox, starts at 1, no gaps: a hole is a loss. Host-level events (`sandboxId` "") count by themselves. */
  seq: number;
  /** ISO 8601 with microseconds, UTC. */
  timestamp: string;
  type: T;
  level: Level;
  /** From the API key; "default" where there is one organisation. */
  orgId: string;
  /** "sbx_" + 26 characters; "" only for host-level events. */
  sandboxId: string;
  /** "run_…": one agent run across sandboxes; "" where none was given. */
  runId: string;
  /** W3C, lower-case hex, 32 characters. */
  traceId: string;
  /** 16 characters: the span this event belongs to, or is. */
  spanId: string;
  /** 16 characters; "" where the trace starts here. */
  parentSpanId: string;
  data: EventDataMap[T];
}

/** One event of the record; a discriminated union over `type`. */
export type RuntimeEvent = { [T in EventType]: EventBase<T> }[EventType];
export type RuntimeEventOf<T extends EventType> = EventBase<T>;

/** What an emitter gives; the recorder adds `id`, `seq` and (unless given) `timestamp`. */
export type EventInput = {
  [T in EventType]: Omit<EventBase<T>, "id" | "seq" | "timestamp"> & { timestamp?: string };
}[EventType];

/** Returns when the event is committed to the durable log; rejects with LOG_UNAVAILABLE where that is impossible. */
export type Emit = (event: EventInput) => Promise<void>;
