import type { RuntimeEvent } from "@sandglass/protocol";
import { execErrorType } from "./exec-failure.ts";

export type SpanAttributes = Record<string, string | number | boolean>;
type Maybe = string | number | boolean | undefined;

/** Where an event belongs, on every span of it: the same names as on the OpenTelemetry resource. */
export function identityAttributes(event: RuntimeEvent): SpanAttributes {
  return present({
    "sandglass.org.id": event.orgId || undefined,
    "sandglass.sandbox.id": event.sandboxId || undefined,
    "sandglass.run.id": event.runId || undefined,
  });
}

/**
 * What an event says, by the names of the OpenTelemetry semantic conventions where they have one (`http.*`, `url.*`,
 * `process.*`, `file.*`, `error.type`, `gen_ai.*`), else prefixed `sandglass.`. Only of events that are spans.
 */
export function eventAttributes(event: RuntimeEvent): SpanAttributes {
  return present(sparseEventAttributes(event));
}

/** As {@link eventAttributes}, with `undefined` for what the event does not say: for a caller to whom another copy is dear. */
export function sparseEventAttributes(event: RuntimeEvent): Readonly<Record<string, Maybe>> {
  const { type, data } = event;
  switch (type) {
    case "http.request":
      return {
        "http.request.method": data.method,
        "http.route": data.route || undefined,
        "url.path": data.path,
        "http.response.status_code": data.status,
        "error.type": data.errorCode ?? (data.status >= 500 ? String(data.status) : undefined),
        "sandglass.request.id": data.requestId,
        "client.address": data.clientAddress,
        "sandglass.key.id": data.keyId,
        // The request is the host's own event; the sandbox is the one its path names.
        "sandglass.sandbox.id": data.sandboxId,
      };
    case "sandbox.created":
      return {
        "sandglass.template.id": data.template,
        "sandglass.sandbox.source": data.source,
        "sandglass.sandbox.isolation": data.isolation,
        "sandglass.sandbox.vcpu": data.vcpu,
        "sandglass.sandbox.memory_mb": data.memoryMb,
        "sandglass.sandbox.disk_mb": data.diskMb,
        "sandglass.fork.parent": data.parentId,
      };
    case "sandbox.paused":
    case "sandbox.resumed":
      return { "sandglass.sandbox.reason": data.reason };
    case "sandbox.terminated":
      return {
        "sandglass.cause": data.cause,
        "sandglass.reason": data.reason,
        "sandglass.sandbox.lifetime_ms": data.lifetimeMs,
        "sandglass.sandbox.execs": data.execs,
        "sandglass.sandbox.cpu_ms": data.cpuMs,
      };
    case "sandbox.forked":
      return {
        "sandglass.fork.children": data.children.join(","),
        "sandglass.fork.count": data.children.length,
      };
    case "sandbox.merged":
      return {
        "sandglass.merge.winner": data.winner,
        "sandglass.merge.added": data.added,
        "sandglass.merge.modified": data.modified,
        "sandglass.merge.removed": data.removed,
      };
    case "exec.started":
      return execAttributes(data);
    case "exec.completed":
      return {
        ...execAttributes(data),
        "process.exit.code": data.exitCode,
        "error.type": execErrorType(data),
        "sandglass.cause": data.cause,
        "sandglass.reason": data.reason,
        "sandglass.exec.signal": data.signal,
        "sandglass.exec.cpu_ms": data.cpuMs,
        "sandglass.exec.max_rss_bytes": data.maxRssBytes,
        "sandglass.exec.stdout_bytes": data.stdoutBytes,
        "sandglass.exec.stderr_bytes": data.stderrBytes,
        "sandglass.exec.context_lost": data.contextLost,
      };
    case "file.created":
    case "file.modified":
    case "file.read":
      return { "file.path": data.path, "file.size": data.sizeBytes };
    case "file.deleted":
      return { "file.path": data.path };
    case "file.error":
      return {
        "file.path": data.path,
        "sandglass.file.operation": data.operation,
        "error.type": data.code,
        "sandglass.error.message": data.message,
      };
    case "agent.tool_call":
      return toolAttributes(data);
    case "agent.tool_result":
      return { ...toolAttributes(data), ...(data.isError && { "error.type": "tool_error" }) };
    case "agent.started":
      return { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": data.agentName };
    case "agent.completed":
      return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": data.agentName,
        "sandglass.agent.status": data.status,
        "error.type": data.status === "ok" ? undefined : data.status,
        "error.message": data.error,
      };
    case "run.started":
      return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": data.agent ?? data.name,
        "sandglass.run.name": data.name,
      };
    case "run.completed":
      return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": data.agent ?? data.name,
        "gen_ai.usage.input_tokens": data.inputTokens,
        "gen_ai.usage.output_tokens": data.outputTokens,
        "sandglass.run.name": data.name,
        "sandglass.run.status": data.status,
        "sandglass.run.cost_usd": data.costUsd,
        "error.type": data.status === "ok" ? undefined : data.status,
        "error.message": data.error,
      };
    default:
      return {};
  }
}

function execAttributes(data: {
  execId: string;
  kind: string;
  language?: string;
  contextId?: string;
  code?: string;
  command?: string;
}): Record<string, Maybe> {
  return {
    "sandglass.exec.id": data.execId,
    "sandglass.exec.kind": data.kind,
    "sandglass.exec.language": data.language,
    "sandglass.exec.context_id": data.contextId,
    "sandglass.exec.code": data.code,
    "process.command_line": data.command,
  };
}

function toolAttributes(data: { toolName: string; toolCallId: string }): Record<string, Maybe> {
  return {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": data.toolName,
    "gen_ai.tool.call.id": data.toolCallId,
  };
}

function present(attributes: Readonly<Record<string, Maybe>>): SpanAttributes {
  const kept: SpanAttributes = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) kept[name] = value;
  return kept;
}
