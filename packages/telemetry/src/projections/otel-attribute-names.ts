import type { EventDataMap, EventType } from "@sandglass/protocol";
import { STATUS_FIELD_NAMES } from "./otel-status-names.ts";

/** The attribute of a field of the data; null where `derivedAttributes` says it. */
type FieldNames<T extends EventType> = { readonly [Field in keyof EventDataMap[T]]?: string | null };

const ERROR = { code: "error.type", message: "sandglass.error.message" } as const;
const SUBJECT = {
  execId: "sandglass.exec.id",
  kind: "sandglass.exec.kind",
  language: "sandglass.exec.language",
  contextId: "sandglass.exec.context_id",
  code: "sandglass.exec.code",
  command: "process.command_line",
} as const;
const FILE = { path: "file.path", sizeBytes: "file.size" } as const;
const TOOL = { toolName: "gen_ai.tool.name", toolCallId: "gen_ai.tool.call.id" } as const;
const TEMPLATE = { template: "sandglass.template.id" } as const;
const EXEC_ID = { execId: "sandglass.exec.id" } as const;
const PEER = { host: "server.address", port: "server.port", ...EXEC_ID } as const;
const EXPORTER = { exporter: "sandglass.exporter.name" } as const;
const PAUSE = { reason: "sandglass.sandbox.reason" } as const;

/**
 * What the fields of events are called as attributes of spans and log records. One that is not here is `sandglass.` and its name in
 * snake case; an object becomes one attribute for each of its fields (`sandglass.metadata.team`), a list an array.
 *
 * | field | attribute | of |
 * | --- | --- | --- |
 * | what has a convention | by the semantic conventions: `http.*`, `url.path`, `process.*`, `file.*`, `gen_ai.*`, `error.type` | spans |
 * | `code` of an error, `errorType` | `error.type` | `*.error` |
 * | `message` of an error | `sandglass.error.message` | `*.error` |
 * | `cwd` | `process.working_directory` | `exec.started` |
 * | `stream` | `log.iostream` | `exec.streamed` |
 * | `arguments`, `result` | `gen_ai.tool.call.arguments`, `gen_ai.tool.call.result` | `agent.tool_*` |
 * | `model`, `provider`, `inputTokens`, `outputTokens` | `gen_ai.request.model`, `gen_ai.provider.name`, `gen_ai.usage.{input_tokens, output_tokens}` | `cost.llm` |
 * | `cachedTokens`, `cacheCreationTokens`, `reasoningTokens` | `gen_ai.usage.{cache_read.input_tokens, cache_creation.input_tokens, reasoning.output_tokens}` | `cost.llm` |
 * | `host`, `port` | `server.address`, `server.port` | `network.*` |
 * | `pid` | `process.pid` | `host.started` |
 * | `template`, `source`, `execId` | `sandglass.template.id`, `sandglass.sandbox.source`, `sandglass.exec.id` | wherever they are |
 * | all else, e.g. `durationMs`, `claimMs`, `metadata.team` | `sandglass.duration_ms`, `sandglass.claim_ms`, `sandglass.metadata.team` | |
 */
const FIELD_NAMES: { readonly [T in EventType]: FieldNames<T> } = {
  "sandbox.created": {
    ...TEMPLATE,
    source: "sandglass.sandbox.source",
    vcpu: "sandglass.sandbox.vcpu",
    memoryMb: "sandglass.sandbox.memory_mb",
    diskMb: "sandglass.sandbox.disk_mb",
    isolation: "sandglass.sandbox.isolation",
    parentId: "sandglass.fork.parent",
  },
  "sandbox.claimed": { ...TEMPLATE, source: "sandglass.sandbox.source" },
  "sandbox.booted": TEMPLATE,
  "sandbox.started": TEMPLATE,
  "sandbox.paused": PAUSE,
  "sandbox.resumed": PAUSE,
  "sandbox.terminated": {
    lifetimeMs: "sandglass.sandbox.lifetime_ms",
    execs: "sandglass.sandbox.execs",
    cpuMs: "sandglass.sandbox.cpu_ms",
  },
  "sandbox.error": ERROR,
  "sandbox.forked": { children: null },
  "sandbox.merged": {
    winner: "sandglass.merge.winner",
    added: "sandglass.merge.added",
    modified: "sandglass.merge.modified",
    removed: "sandglass.merge.removed",
  },
  "exec.started": { ...SUBJECT, cwd: "process.working_directory", timeoutMs: "sandglass.exec.timeout_ms" },
  "exec.completed": {
    ...SUBJECT,
    exitCode: "process.exit.code",
    signal: "sandglass.exec.signal",
    cpuMs: "sandglass.exec.cpu_ms",
    maxRssBytes: "sandglass.exec.max_rss_bytes",
    stdoutBytes: "sandglass.exec.stdout_bytes",
    stderrBytes: "sandglass.exec.stderr_bytes",
    contextLost: "sandglass.exec.context_lost",
    // A log record of its own.
    exception: null,
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
  "file.deleted": { path: "file.path" },
  "file.error": { ...ERROR, path: "file.path", operation: "sandglass.file.operation" },
  "port.exposed": {},
  "port.closed": {},
  "agent.started": { agentName: "gen_ai.agent.name" },
  "agent.completed": {
    agentName: "gen_ai.agent.name",
    status: "sandglass.agent.status",
    error: "error.message",
  },
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
    cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
    reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
    provider: "gen_ai.provider.name",
  },
  "network.egress": PEER,
  "network.denied": PEER,
  "resource.sample": {},
  "http.request": {
    method: "http.request.method",
    route: null,
    path: "url.path",
    status: "http.response.status_code",
    requestId: "sandglass.request.id",
    clientAddress: "client.address",
    keyId: "sandglass.key.id",
    // The request is the host's own event; the sandbox is the one its path names.
    sandboxId: "sandglass.sandbox.id",
    errorCode: null,
  },
  "host.started": { pid: "process.pid" },
  "host.stopped": {},
  "exporter.stalled": EXPORTER,
  "exporter.recovered": EXPORTER,
  "record.deleted": { runId: "sandglass.run.id", keyId: "sandglass.key.id" },
  "run.started": { name: "sandglass.run.name", agent: null },
  "run.completed": {
    name: "sandglass.run.name",
    agent: null,
    status: "sandglass.run.status",
    costUsd: "sandglass.run.cost_usd",
    inputTokens: "gen_ai.usage.input_tokens",
    outputTokens: "gen_ai.usage.output_tokens",
    error: "error.message",
  },
  ...STATUS_FIELD_NAMES,
};

/** Fields of what begins a span that its ending has too. */
const SAID_AGAIN: Partial<Record<EventType, ReadonlySet<string>>> = {
  "exec.started": new Set(Object.keys(SUBJECT)),
  "agent.tool_call": new Set(["toolName", "toolCallId", "origin"]),
  "agent.started": new Set(["agentName"]),
  "run.started": new Set(["name", "agent"]),
};

const defaultNames = new Map<string, string>();
/** The names are those of the code, so few; what is not is not worth keeping. */
const MAX_CACHED = 1000;

/** The attribute of a field of an event of this type; undefined where it is said by `derivedAttributes`. */
export function attributeName(type: EventType, field: string): string | undefined {
  // A type of a later version has no names yet.
  const names: Readonly<Record<string, string | null>> = FIELD_NAMES[type] ?? {};
  const name = Object.hasOwn(names, field) ? names[field] : defaultName(field);
  return name ?? undefined;
}

/** Whether the event that ends the span which an event of this type begins says this field again. */
export function isSaidAgain(type: EventType, field: string): boolean {
  return SAID_AGAIN[type]?.has(field) ?? false;
}

/** `durationMs` as `duration_ms`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function defaultName(field: string): string {
  let name = defaultNames.get(field);
  if (name === undefined) {
    name = `sandglass.${snakeCase(field)}`;
    if (defaultNames.size < MAX_CACHED) defaultNames.set(field, name);
  }
  return name;
}
