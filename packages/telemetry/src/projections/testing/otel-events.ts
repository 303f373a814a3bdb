import {
  EVENT_TYPES,
  type EventDataMap,
  type EventType,
  type RuntimeEvent,
  type RuntimeEventOf,
} from "@sandglass/protocol";

const EXEC = { execId: "exec_1", kind: "code", language: "python", contextId: "default" } as const;
const CHILD = "sbx_01m81fmvaxzshpc686q862kbs8";

/** A payload of every type, with every field that it may have but `origin`, with which there is no span. */
export const FULL_DATA: { readonly [T in EventType]: Required<Omit<EventDataMap[T], "origin">> } = {
  "sandbox.created": {
    template: "python",
    source: "pool",
    vcpu: 2,
    memoryMb: 512,
    diskMb: 1024,
    isolation: "bubblewrap",
    durationMs: 3,
    metadata: { team: "data", someKey: "x" },
  },
  "sandbox.claimed": { template: "python", source: "pool", claimMs: 0.5 },
  "sandbox.booted": { template: "python", bootMs: 38, connectMs: 4.5 },
  "sandbox.started": { template: "python", connectMs: 4 },
  "sandbox.paused": { reason: "idle", durationMs: 1 },
  "sandbox.resumed": { reason: "call", durationMs: 1, pausedMs: 60_000 },
  "sandbox.terminated": {
    cause: "oom_killed",
    reason: "memory limit 512 MiB",
    lifetimeMs: 60_000,
    durationMs: 12,
    execs: 3,
    cpuMs: 410,
  },
  "sandbox.error": { code: "DRIVER_ERROR", message: "the driver went away" },
  "sandbox.forked": { children: [CHILD], durationMs: 20 },
  "sandbox.merged": { winner: CHILD, durationMs: 20 },
  "exec.started": {
    ...EXEC,
    code: "print(1)",
    command: "python -c 'print(1)'",
    cwd: "/workspace",
    timeoutMs: 1000,
  },
  "exec.completed": {
    ...EXEC,
    code: "print(1)",
    command: "python -c 'print(1)'",
    exitCode: 137,
    signal: "SIGKILL",
    cause: "oom_killed",
    reason: "memory limit 512 MiB",
    durationMs: 12.5,
    cpuMs: 9,
    maxRssBytes: 268_435_456,
    stdoutBytes: 2,
    stderrBytes: 0,
    contextLost: true,
    exception: { type: "ValueError", message: "no such month", stacktrace: "ValueError: no such month" },
    stdoutTail: "1\n",
    stderrTail: "",
  },
  "exec.streamed": { execId: "exec_1", stream: "stdout", offset: 0, bytes: 2, chunks: 1 },
  "exec.error": { execId: "exec_1", code: "DRIVER_ERROR", message: "the agent went away" },
  "exec.timed_out": { execId: "exec_1", timeoutMs: 1000 },
  "file.created": { path: "/workspace/a.csv", sizeBytes: 10, durationMs: 1 },
  "file.modified": { path: "/workspace/a.csv", sizeBytes: 20, durationMs: 1 },
  "file.read": { path: "/workspace/a.csv", sizeBytes: 20, durationMs: 1 },
  "file.deleted": { path: "/workspace/a.csv", durationMs: 1 },
  "file.error": { path: "/nowhere", operation: "read", code: "FILE_NOT_FOUND", message: "no such file" },
  "port.exposed": { port: 8000 },
  "port.closed": { port: 8000 },
  "agent.thinking": { text: "Let me look at the data.", bytes: 24 },
  "agent.tool_call": { toolName: "run_code", toolCallId: "call_1", arguments: "{}" },
  "agent.tool_result": {
    toolName: "run_code",
    toolCallId: "call_1",
    durationMs: 20,
    isError: true,
    result: "42",
  },
  "agent.error": { message: "no answer", errorType: "Timeout" },
  "cost.runtime": { cpuMs: 410, memoryMbMs: 30_720_000, costUsd: 1 },
  "cost.llm": {
    model: "m-1",
    provider: "acme",
    inputTokens: 1200,
    outputTokens: 300,
    cachedTokens: 1000,
    cacheCreationTokens: 100,
    reasoningTokens: 200,
    costUsd: 0.01,
    priced: "reported",
  },
  "network.egress": {
    host: "example.org",
    port: 443,
    bytesIn: 10,
    bytesOut: 5,
    durationMs: 30,
    execId: "exec_1",
  },
  "network.denied": { host: "example.org", port: 443, reason: "no egress", execId: "exec_1" },
  "resource.sample": {
    cpuUtilization: 1,
    memoryUsageBytes: 1,
    memoryLimitBytes: 2,
    diskUsageBytes: 1,
    diskLimitBytes: 2,
    pids: 3,
    oomKills: 0,
    cpuMs: 410,
    throttledMs: 12,
    cpuLimit: 2,
    uptimeMs: 60_000,
  },
  "http.request": {
    method: "POST",
    route: "/v1/sandboxes/{id}/exec",
    path: "/v1/sandboxes/sbx_1/exec",
    status: 500,
    durationMs: 3,
    requestId: "req_1",
    sandboxId: "sbx_1",
    errorCode: "INTERNAL",
  },
  "host.started": {
    version: "0.1.0",
    pid: 4242,
    recovery: { sandboxes: 1, execs: 1, truncatedBytes: 17, corruptRecords: 0 },
  },
  "host.stopped": { cause: "host_shutdown", uptimeMs: 86_400_000 },
  "exporter.stalled": { exporter: "otel", reason: "503", lagEvents: 1000 },
  "exporter.recovered": { exporter: "otel", stalledMs: 5000 },
  "run.started": { name: "analyst", agent: "analyst-2", metadata: { question: "rain" } },
  "run.completed": {
    name: "analyst",
    status: "error",
    durationMs: 9000,
    costUsd: 0.02,
    inputTokens: 1200,
    outputTokens: 300,
    error: "the model gave up",
  },
};

const ENVELOPE = {
  id: "evt_01a202fa-6d56-74de-961a-3e830a038ba0",
  seq: 7,
  timestamp: "2026-04-18T14:00:00.000042Z",
  level: "info",
  orgId: "acme",
  sandboxId: "sbx_01m81fmvaxzshpc686q862kbs9",
  runId: "run_1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "b7ad6b7169203331",
} as const;

/** An event of this type with {@link FULL_DATA}; what is given takes the place of what it has. */
export function otelEvent<T extends EventType>(
  type: T,
  data: Partial<EventDataMap[T]> = {},
  envelope: Partial<Omit<RuntimeEvent, "type" | "data">> = {},
): RuntimeEventOf<T> {
  return { ...ENVELOPE, ...envelope, type, data: { ...FULL_DATA[type], ...data } };
}

/** One of every type. */
export function otelEvents(): RuntimeEvent[] {
  return EVENT_TYPES.map((type) => otelEvent(type) as RuntimeEvent);
}
