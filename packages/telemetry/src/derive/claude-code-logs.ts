import { cleanName } from "./captured-text.ts";
import type { LogContext } from "./derive-logs.ts";
import { claudeCodeIdentity } from "./derive-spans.ts";
import { type LogEvent, logPlace } from "./log-event.ts";
import { claudeCodeUsage } from "./model-call.ts";

/**
 * Claude Code's log events: `api_request` is a call of a model with its cost, `api_error` one that failed, `tool_result` a call of
 * a tool from begin to end. What it says as a span as well is taken from whichever comes first.
 */
export function deriveClaudeCode(event: LogEvent, context: LogContext): void {
  switch (event.name) {
    case "claude_code.api_request":
      deriveRequest(event, context);
      return;
    case "claude_code.tool_result":
      deriveTool(event, context);
      return;
    case "claude_code.api_error":
      deriveError(event, context);
  }
}

function deriveRequest(event: LogEvent, { sender, memory, writer }: LogContext): void {
  const { attributes } = event;
  const requestId = attributes.text("request_id");
  if (requestId !== undefined && !memory.isFirst(claudeCodeIdentity("request", requestId))) return;
  const model = attributes.text("model");
  writer.cost(logPlace(event, sender), event.timeMicros, {
    models: model === undefined ? [] : [cleanName(model)],
    usage: claudeCodeUsage(attributes),
    costUsd: attributes.amount("cost_usd"),
  });
}

function deriveTool(event: LogEvent, { sender, memory, writer }: LogContext): void {
  const { attributes, timeMicros } = event;
  const callId = attributes.text("tool_use_id");
  if (callId !== undefined && !memory.isFirst(claudeCodeIdentity("tool", callId))) return;
  const durationMs = attributes.milliseconds("duration_ms") ?? 0;
  const time = { startMicros: timeMicros - durationMs * 1000, endMicros: timeMicros };
  writer.tool(logPlace(event, sender), time, {
    name: cleanName(attributes.text("tool_name") ?? "unknown"),
    callId,
    isError: attributes.flag("success") === false,
    arguments: () => attributes.content("tool_input", "tool_parameters"),
    result: () => attributes.content("error"),
  });
}

function deriveError(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes } = event;
  const status = attributes.count("status_code");
  writer.error(logPlace(event, sender), event.timeMicros, {
    summary: `request to ${cleanName(attributes.text("model") ?? "a model")} failed`,
    message: attributes.text("error"),
    errorType: status === undefined ? undefined : String(status),
  });
}
