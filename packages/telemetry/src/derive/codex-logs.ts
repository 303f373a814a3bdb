import { cleanName } from "./captured-text.ts";
import type { LogContext } from "./derive-logs.ts";
import { type LogEvent, logPlace } from "./log-event.ts";
import { tokenUsage } from "./token-usage.ts";

/**
 * Codex CLI's log events: the `sse_event` that completes a response says what it used, `tool_result` is a call of a tool from begin
 * to end. A request or a stream that failed is an error; Codex tries some again, which fail on their own.
 */
export function deriveCodex(event: LogEvent, context: LogContext): void {
  switch (event.name) {
    case "codex.sse_event":
      if (event.attributes.has("error.message")) deriveError(event, context);
      else deriveUsage(event, context);
      return;
    case "codex.api_request":
    case "codex.websocket_request":
      if (hasFailed(event)) deriveError(event, context);
      return;
    case "codex.tool_result":
      deriveTool(event, context);
  }
}

function deriveUsage(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes } = event;
  const model = attributes.text("model", "slug");
  const usage = tokenUsage({
    input: attributes.count("input_token_count"),
    output: attributes.count("output_token_count"),
    cached: attributes.count("cached_token_count"),
    reasoning: attributes.count("reasoning_token_count"),
    // `tool_token_count` is the total under another name.
  });
  writer.cost(logPlace(event, sender), event.timeMicros, {
    models: model === undefined ? [] : [cleanName(model)],
    usage,
  });
}

function deriveTool(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes, timeMicros } = event;
  const durationMs = attributes.milliseconds("duration_ms") ?? 0;
  const time = { startMicros: timeMicros - durationMs * 1000, endMicros: timeMicros };
  writer.tool(logPlace(event, sender), time, {
    name: cleanName(attributes.text("tool_name") ?? "unknown"),
    callId: attributes.text("call_id"),
    isError: attributes.flag("success") === false,
    arguments: () => attributes.content("arguments"),
    result: () => attributes.content("output"),
  });
}

function hasFailed({ attributes }: LogEvent): boolean {
  return attributes.has("error.message") || (attributes.count("http.response.status_code") ?? 0) >= 400;
}

function deriveError(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes } = event;
  const status = attributes.count("http.response.status_code");
  writer.error(logPlace(event, sender), event.timeMicros, {
    summary: `request to ${cleanName(attributes.text("model") ?? "a model")} failed`,
    message: attributes.text("error.message"),
    errorType: status === undefined ? undefined : String(status),
  });
}
