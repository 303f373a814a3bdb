import * as z from "zod";
import type { EventType } from "../events.ts";
import { RecordDeletedData } from "./deletion.ts";
import { Cause, SandboxSource, SandboxTelemetry } from "./sandbox.ts";
import { STATUS_EVENT_DATA } from "./status.ts";

const text = z.string();
const number = z.number();
/** Part of a span's name. */
const agentName = z.string().min(1).max(200);
const count = z.number().int().nonnegative();
const tags = z.record(z.string(), z.string());
const origin = z.enum(["client", "sandbox"]).optional();

const execSubject = {
  execId: text,
  kind: z.enum(["code", "command"]),
  language: text.optional(),
  contextId: text.optional(),
  code: text.optional(),
  command: text.optional(),
};
const file = z.object({ path: text.optional(), sizeBytes: count, durationMs: number });
const port = z.object({ port: count });
const rules = z.array(text).optional();
const egress = z.object({ default: z.enum(["deny", "allow"]).optional(), allow: rules, deny: rules });
const network = z.object({ egress: egress.optional() });

/** Payload by event type. A field that is added later passes: readers of an older version must not refuse it. */
export const EVENT_DATA = {
  "sandbox.created": z.object({
    template: text,
    source: SandboxSource,
    vcpu: number,
    memoryMb: number,
    diskMb: number,
    isolation: text,
    network: network.optional(),
    durationMs: number,
    metadata: tags.optional(),
    parentId: text.optional(),
  }),
  "sandbox.claimed": z.object({ template: text, source: SandboxSource, claimMs: number }),
  "sandbox.booted": z.object({ template: text, bootMs: number, connectMs: number }),
  "sandbox.started": z.object({ template: text, connectMs: number.optional() }),
  "sandbox.paused": z.object({ reason: z.enum(["user", "idle"]), durationMs: number }),
  "sandbox.resumed": z.object({ reason: z.enum(["user", "call"]), durationMs: number, pausedMs: number }),
  "sandbox.terminated": z.object({
    cause: Cause,
    reason: text.optional(),
    lifetimeMs: number,
    durationMs: number,
    execs: count,
    cpuMs: number,
    telemetry: SandboxTelemetry.optional(),
  }),
  "sandbox.error": z.object({ code: text, message: text }),
  "sandbox.forked": z.object({ children: z.array(text), durationMs: number }),
  "sandbox.merged": z.object({
    winner: text,
    durationMs: number,
    added: count.optional(),
    modified: count.optional(),
    removed: count.optional(),
  }),
  "exec.started": z.object({ ...execSubject, cwd: text.optional(), timeoutMs: number.optional() }),
  "exec.completed": z.object({
    ...execSubject,
    exitCode: z.number().int(),
    signal: text.optional(),
    cause: Cause,
    durationMs: number,
    cpuMs: number,
    maxRssBytes: count,
    stdoutBytes: count,
    stderrBytes: count,
    contextLost: z.boolean().optional(),
    reason: text.optional(),
    exception: z.object({ type: text, message: text.optional(), stacktrace: text.optional() }).optional(),
    stdoutTail: text.optional(),
    stderrTail: text.optional(),
  }),
  "exec.streamed": z.object({
    execId: text,
    stream: z.enum(["stdout", "stderr"]),
    offset: count,
    bytes: count,
    chunks: count,
  }),
  "exec.error": z.object({ execId: text, code: text, message: text }),
  "exec.timed_out": z.object({ execId: text, timeoutMs: number }),
  "file.created": file,
  "file.modified": file,
  "file.read": file,
  "file.deleted": z.object({ path: text.optional(), durationMs: number }),
  "file.error": z.object({
    path: text.optional(),
    operation: text,
    code: text,
    message: text,
    durationMs: number.optional(),
  }),
  "port.exposed": port,
  "port.closed": port,
  "agent.started": z.object({ agentName }),
  "agent.completed": z.object({
    agentName,
    status: z.enum(["ok", "error", "cancelled"]),
    durationMs: number,
    error: text.optional(),
  }),
  "agent.thinking": z.object({ text: text.optional(), bytes: count, origin }),
  "agent.tool_call": z.object({ toolName: text, toolCallId: text, arguments: text.optional(), origin }),
  "agent.tool_result": z.object({
    toolName: text,
    toolCallId: text,
    durationMs: number,
    isError: z.boolean(),
    result: text.optional(),
    origin,
  }),
  "agent.error": z.object({ message: text, errorType: text.optional(), origin }),
  "cost.runtime": z.object({ cpuMs: number, memoryMbMs: number, costUsd: number }),
  "cost.llm": z.object({
    model: text,
    provider: text.optional(),
    inputTokens: count,
    outputTokens: count,
    cachedTokens: count.optional(),
    cacheCreationTokens: count.optional(),
    reasoningTokens: count.optional(),
    costUsd: number.optional(),
    priced: z.enum(["reported", "table", "unknown"]).optional(),
    origin,
  }),
  "network.egress": z.object({
    host: text,
    port: count,
    bytesIn: count,
    bytesOut: count,
    durationMs: number,
    execId: text.optional(),
    error: text.optional(),
    count: count.optional(),
  }),
  "network.denied": z.object({
    host: text,
    port: count,
    reason: text,
    execId: text.optional(),
    count: count.optional(),
  }),
  "resource.sample": z.object({
    cpuUtilization: number,
    memoryUsageBytes: count,
    memoryLimitBytes: count,
    diskUsageBytes: count,
    diskLimitBytes: count,
    pids: count,
    oomKills: count,
    cpuMs: number.optional(),
    throttledMs: number.optional(),
    cpuLimit: number.optional(),
    uptimeMs: number.optional(),
    egressBytesIn: count.optional(),
    egressBytesOut: count.optional(),
    egressConnections: count.optional(),
    egressDenied: count.optional(),
    telemetry: SandboxTelemetry.optional(),
  }),
  "http.request": z.object({
    method: text,
    route: text,
    path: text,
    status: count,
    durationMs: number,
    requestId: text,
    clientAddress: text.optional(),
    keyId: text.optional(),
    sandboxId: text.optional(),
    errorCode: text.optional(),
  }),
  "host.started": z.object({
    version: text,
    pid: count,
    recovery: z
      .object({ sandboxes: count, execs: count, truncatedBytes: count, corruptRecords: count })
      .optional(),
  }),
  "host.stopped": z.object({ cause: Cause, uptimeMs: number }),
  "exporter.stalled": z.object({ exporter: text, reason: text, lagEvents: count }),
  "exporter.recovered": z.object({ exporter: text, stalledMs: number }),
  "record.deleted": RecordDeletedData,
  "run.started": z.object({ name: text, agent: text.optional(), metadata: tags.optional() }),
  "run.completed": z.object({
    name: text,
    agent: text.optional(),
    status: z.enum(["ok", "error", "cancelled"]),
    durationMs: number,
    costUsd: number,
    inputTokens: count,
    outputTokens: count,
    error: text.optional(),
  }),
  ...STATUS_EVENT_DATA,
} as const satisfies Record<EventType, z.ZodObject>;
