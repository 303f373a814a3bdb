import type { EventType } from "@sandglass/protocol";
import type { LogFields, LogMessage } from "./log-message.ts";
import { STATUS_LOG_MESSAGES } from "./status-log-messages.ts";
import { totalOf } from "./total-of.ts";

/** What the daemon's log says of each event. A type without a line here does not compile. */
export const LOG_MESSAGES: { readonly [T in EventType]: LogMessage<T> } = {
  "sandbox.created": {
    target: "sandbox",
    message: "sandbox created",
    fields: ({ template, source, durationMs }, id) => ({ template, id, source, create_ms: durationMs }),
  },
  "sandbox.claimed": {
    target: "sandbox",
    message: "sandbox claimed",
    fields: ({ template, source, claimMs }, id) => ({ template, id, source, claim_ms: claimMs }),
  },
  "sandbox.booted": {
    target: "sandbox",
    message: "sandbox booted",
    fields: ({ template, bootMs, connectMs }, id) => ({
      template,
      id,
      boot_ms: bootMs,
      connect_ms: connectMs,
    }),
  },
  "sandbox.started": {
    target: "sandbox",
    message: "agent connected",
    fields: ({ connectMs }, id) => ({ id, connect_ms: connectMs }),
  },
  "sandbox.paused": {
    target: "sandbox",
    message: "sandbox paused",
    fields: ({ reason, durationMs }, id) => ({ id, reason, pause_ms: durationMs }),
  },
  "sandbox.resumed": {
    target: "sandbox",
    message: "sandbox resumed",
    fields: ({ reason, durationMs, pausedMs }, id) => ({
      id,
      reason,
      resume_ms: durationMs,
      paused_ms: pausedMs,
    }),
  },
  "sandbox.terminated": {
    target: "sandbox",
    message: "sandbox destroyed",
    fields: ({ cause, reason, durationMs, lifetimeMs, execs, telemetry }, id) => ({
      id,
      cause,
      reason,
      destroy_ms: durationMs,
      lifetime_ms: lifetimeMs,
      execs,
      telemetry_refused: totalOf(telemetry?.refusedRequests) || undefined,
    }),
  },
  "sandbox.error": {
    target: "sandbox",
    message: "sandbox error",
    fields: ({ code, message }, id) => ({ id, code, error: message }),
  },
  "sandbox.forked": {
    target: "sandbox",
    message: "fork complete",
    fields: ({ children, durationMs }, id) => ({ id, n: children.length, fork_ms: durationMs }),
  },
  "sandbox.merged": {
    target: "sandbox",
    message: "merge complete",
    fields: ({ durationMs, ...merged }, id) => ({ id, ...merged, merge_ms: durationMs }),
  },
  "exec.started": {
    target: "sandbox.exec",
    message: "exec started",
    fields: ({ execId, kind, language }, id) => ({ id, exec_id: execId, kind, language }),
  },
  "exec.completed": {
    target: "sandbox.exec",
    message: "exec complete",
    fields: ({ execId, exitCode, signal, cause, reason, durationMs }, id) => ({
      id,
      exec_id: execId,
      exit_code: exitCode,
      signal,
      cause,
      reason,
      duration_ms: durationMs,
    }),
  },
  "exec.streamed": {
    target: "sandbox.exec",
    message: "exec streamed",
    fields: ({ execId, stream, offset, bytes, chunks }, id) => ({
      id,
      exec_id: execId,
      stream,
      offset,
      bytes,
      chunks,
    }),
  },
  "exec.error": {
    target: "sandbox.exec",
    message: "exec error",
    fields: ({ execId, code, message }, id) => ({ id, exec_id: execId, code, error: message }),
  },
  "exec.timed_out": {
    target: "sandbox.exec",
    message: "exec timed out",
    fields: ({ execId, timeoutMs }, id) => ({ id, exec_id: execId, timeout_ms: timeoutMs }),
  },
  "file.created": { target: "file", message: "file created", fields: fileFields },
  "file.modified": { target: "file", message: "file modified", fields: fileFields },
  "file.read": { target: "file", message: "file read", fields: fileFields },
  "file.deleted": {
    target: "file",
    message: "file deleted",
    fields: ({ durationMs }, id) => ({ id, duration_ms: durationMs }),
  },
  "file.error": {
    target: "file",
    message: "file error",
    fields: ({ operation, code, durationMs }, id) => ({ id, operation, code, duration_ms: durationMs }),
  },
  "port.exposed": { target: "port", message: "port exposed", fields: ({ port }, id) => ({ id, port }) },
  "port.closed": { target: "port", message: "port closed", fields: ({ port }, id) => ({ id, port }) },
  "agent.started": {
    target: "agent",
    message: "agent started",
    fields: ({ agentName }, id) => ({ id, agent: agentName }),
  },
  "agent.completed": {
    target: "agent",
    message: "agent complete",
    fields: ({ agentName, status, durationMs }, id) => ({
      id,
      agent: agentName,
      status,
      duration_ms: durationMs,
    }),
  },
  "agent.thinking": {
    target: "agent",
    message: "agent thinking",
    fields: ({ bytes }, id) => ({ id, bytes }),
  },
  "agent.tool_call": {
    target: "agent",
    message: "tool call",
    fields: ({ toolName, toolCallId }, id) => ({ id, tool: toolName, tool_call_id: toolCallId }),
  },
  "agent.tool_result": {
    target: "agent",
    message: "tool result",
    fields: ({ toolName, toolCallId, isError, durationMs }, id) => ({
      id,
      tool: toolName,
      tool_call_id: toolCallId,
      is_error: isError,
      duration_ms: durationMs,
    }),
  },
  "agent.error": {
    target: "agent",
    message: "agent error",
    fields: ({ errorType }, id) => ({ id, error_type: errorType }),
  },
  "cost.runtime": {
    target: "cost",
    message: "runtime cost",
    fields: ({ cpuMs, memoryMbMs, costUsd }, id) => ({
      id,
      cpu_ms: cpuMs,
      memory_mb_ms: memoryMbMs,
      cost_usd: costUsd,
    }),
  },
  "cost.llm": {
    target: "cost",
    message: "llm cost",
    fields: ({ model, inputTokens, outputTokens, cachedTokens, costUsd }, id) => ({
      id,
      model,
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      cached_tokens: cachedTokens,
      cost_usd: costUsd,
    }),
  },
  "network.egress": {
    target: "network",
    message: "egress",
    fields: ({ host, port, bytesIn, bytesOut, durationMs, execId, error, count }, id) => ({
      id,
      exec_id: execId,
      host,
      port,
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      duration_ms: durationMs,
      error,
      count,
    }),
  },
  "network.denied": {
    target: "network",
    message: "egress denied",
    fields: ({ host, port, reason, execId, count }, id) => ({
      id,
      exec_id: execId,
      host,
      port,
      reason,
      count,
    }),
  },
  "resource.sample": {
    target: "resource",
    message: "resource sample",
    fields: ({ cpuUtilization, memoryUsageBytes, diskUsageBytes, pids }, id) => ({
      id,
      cpu: cpuUtilization,
      memory_bytes: memoryUsageBytes,
      disk_bytes: diskUsageBytes,
      pids,
    }),
  },
  "http.request": {
    target: "http",
    message: "request complete",
    fields: ({ status, durationMs, requestId, sandboxId, errorCode }) => ({
      id: sandboxId,
      status,
      duration_ms: durationMs,
      request_id: requestId,
      error_code: errorCode,
    }),
  },
  "host.started": {
    target: "host",
    message: "host started",
    fields: ({ version, pid, recovery }) => ({
      version,
      pid,
      recovered_sandboxes: recovery?.sandboxes,
      recovered_execs: recovery?.execs,
      truncated_bytes: recovery?.truncatedBytes,
      corrupt_records: recovery?.corruptRecords,
    }),
  },
  "host.stopped": {
    target: "host",
    message: "host stopped",
    fields: ({ cause, uptimeMs }) => ({ cause, uptime_ms: uptimeMs }),
  },
  "exporter.stalled": {
    target: "exporter",
    message: "exporter stalled",
    fields: ({ exporter, reason, lagEvents }) => ({ exporter, reason, lag_events: lagEvents }),
  },
  "exporter.recovered": {
    target: "exporter",
    message: "exporter recovered",
    fields: ({ exporter, stalledMs }) => ({ exporter, stalled_ms: stalledMs }),
  },
  "record.deleted": {
    target: "record",
    message: "record deleted",
    fields: ({ sandboxes, events, bytes, runId, keyId }) => ({
      sandboxes,
      events,
      bytes,
      run: runId,
      key_id: keyId,
    }),
  },
  "run.started": { target: "run", message: "run started", fields: ({ name, agent }) => ({ name, agent }) },
  "run.completed": {
    target: "run",
    message: "run complete",
    fields: ({ name, status, durationMs, costUsd }) => ({
      name,
      status,
      duration_ms: durationMs,
      cost_usd: costUsd,
    }),
  },
  ...STATUS_LOG_MESSAGES,
};

function fileFields(
  { sizeBytes, durationMs }: { sizeBytes: number; durationMs: number },
  id: string,
): LogFields {
  return { id, size_bytes: sizeBytes, duration_ms: durationMs };
}
