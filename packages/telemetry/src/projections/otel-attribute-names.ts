import type { EventDataMap, EventType } from "@sandglass/protocol";

/** The attribute of a field of the data; null where `eventAttributes` has said it already. */
type FieldNames<T extends EventType> = { readonly [Field in keyof EventDataMap[T]]?: string | null };

const ERROR = { code: "error.type", message: "sandglass.error.message" } as const;
const SUBJECT = {
  execId: null,
  kind: null,
  language: null,
  contextId: null,
  code: null,
  command: null,
} as const;
const FILE = { path: null, sizeBytes: null } as const;
const TOOL = { toolName: null, toolCallId: null } as const;
const TEMPLATE = { template: "sandglass.template.id" } as const;
const EXEC_ID = { execId: "sandglass.exec.id" } as const;
const PEER = { host: "server.address", port: "server.port", ...EXEC_ID } as const;
const EXPORTER = { exporter: "sandglass.exporter.name" } as const;

/**
 * What the fields of events are called as attributes of spans and log records. One that is not here is `sandglass.` and its name in
 * snake case; an object becomes one attribute for each of its fields (`sandglass.metadata.team`), a list an array.
 *
 * | field | attribute | of |
 * | --- | --- | --- |
 * | what `eventAttributes` names | by the semantic conventions: `http.*`, `url.path`, `process.*`, `file.*`, `gen_ai.*`, `error.type` | spans |
 * | `code` of an error, `errorType` | `error.type` | `*.error` |
 * | `message` of an error | `sandglass.error.message` | `*.error` |
 * | `cwd` | `process.working_directory` | `exec.started` |
 * | `stream` | `log.iostream` | `exec.streamed` |
 * | `arguments`, `result` | `gen_ai.tool.call.arguments`, `gen_ai.tool.call.result` | `agent.tool_*` |
 * | `model`, `inputTokens`, `outputTokens`, `cachedTokens` | `gen_ai.request.model`, `gen_ai.usage.{input_tokens, output_tokens, cache_read.input_tokens}` | `cost.llm` |
 * | `host`, `port` | `server.address`, `server.port` | `network.*` |
 * | `pid` | `process.pid` | `host.started` |
 * | `template`, `source`, `execId` | `sandglass.template.id`, `sandglass.sandbox.source`, `sandglass.exec.id` | wherever they are |
 * | all else, e.g. `durationMs`, `claimMs`, `metadata.team` | `sandglass.duration_ms`, `sandglass.claim_ms`, `sandglass.metadata.team` | |
 */
export const FIELD_NAMES: { readonly [T in EventType]: FieldNames<T> } = {
  "sandbox.created": {
    template: null,
    source: null,
    vcpu: null,
    memoryMb: null,
    diskMb: null,
    isolation: null,
  },
  "sandbox.claimed": { ...TEMPLATE, source: "sandglass.sandbox.source" },
  "sandbox.booted": TEMPLATE,
  "sandbox.started": TEMPLATE,
  "sandbox.paused": { reason: null },
  "sandbox.resumed": { reason: null },
  "sandbox.terminated": { cause: null, reason: null, lifetimeMs: null, execs: null, cpuMs: null },
  "sandbox.error": ERROR,
  "sandbox.forked": { children: null },
  "sandbox.merged": { winner: null },
  "exec.started": { ...SUBJECT, cwd: "process.working_directory", timeoutMs: "sandglass.exec.timeout_ms" },
  "exec.completed": {
    ...SUBJECT,
    exitCode: null,
    signal: null,
    cause: null,
    reason: null,
    cpuMs: null,
    maxRssBytes: null,
    stdoutBytes: null,
    stderrBytes: null,
    contextLost: null,
    stdoutTail: "sandglass.exec.stdout_tail",
    stderrTail: "sandglass.exec.stderr_tail",
  },
  "exec.streamed": {
    ...EXEC_ID,
    stream: "log.iostream",
    offset: "sandglass.stream.offset",
    bytes: "sandglass.stream.bytes",
    chunks: "sandglass.stream.chunks",
  },
  "exec.error": { ...ERROR, ...EXEC_ID },
  "exec.timed_out": { ...EXEC_ID, timeoutMs: "sandglass.exec.timeout_ms" },
  "file.created": FILE,
  "file.modified": FILE,
  "file.read": FILE,
  "file.deleted": { path: null },
  "file.error": { ...ERROR, path: "file.path", operation: "sandglass.file.operation" },
  "port.exposed": {},
  "port.closed": {},
  "agent.thinking": { text: "sandglass.thinking.text", bytes: "sandglass.thinking.bytes" },
  "agent.tool_call": { ...TOOL, arguments: "gen_ai.tool.call.arguments" },
  "agent.tool_result": { ...TOOL, result: "gen_ai.tool.call.result" },
  "agent.error": { errorType: "error.type", message: "sandglass.error.message" },
  "cost.runtime": {},
  "cost.llm": {
    model: "gen_ai.request.model",
    inputTokens: "gen_ai.usage.input_tokens",
    outputTokens: "gen_ai.usage.output_tokens",
    cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  },
  "network.egress": PEER,
  "network.denied": PEER,
  "resource.sample": {},
  "http.request": {
    method: null,
    route: null,
    path: null,
    status: null,
    requestId: null,
    sandboxId: null,
    errorCode: null,
  },
  "host.started": { pid: "process.pid" },
  "host.stopped": {},
  "exporter.stalled": EXPORTER,
  "exporter.recovered": EXPORTER,
  "run.started": { name: null, agent: null },
  "run.completed": {
    name: null,
    status: null,
    costUsd: null,
    inputTokens: null,
    outputTokens: null,
    error: null,
  },
};
