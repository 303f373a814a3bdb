import { cleanName } from "./captured-text.ts";
import type { LogContext } from "./derive-logs.ts";
import { type LogEvent, logPlace } from "./log-event.ts";
import { tokenUsage } from "./token-usage.ts";

/** Gemini CLI's log events: `api_response`, `api_error`, and `tool_call`, which it says when the tool is done. */
export function deriveGeminiCli(event: LogEvent, context: LogContext): void {
  switch (event.name) {
    case "gemini_cli.api_response":
      deriveUsage(event, context);
      return;
    case "gemini_cli.tool_call":
      deriveTool(event, context);
      return;
    case "gemini_cli.api_error":
      deriveError(event, context);
  }
}

function deriveUsage(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes } = event;
  const model = attributes.text("model");
  // The Gemini API counts thoughts beside the answer, and what tools gave back beside the prompt; the cached part is in the prompt.
  const input = attributes.count("input_token_count");
  const usage = tokenUsage(
    {
      input: input === undefined ? undefined : input + (attributes.count("tool_token_count") ?? 0),
      output: attributes.count("output_token_count"),
      cached: attributes.count("cached_content_token_count"),
      reasoning: attributes.count("thoughts_token_count"),
    },
    { isReasoningBeside: true },
  );
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
    name: cleanName(attributes.text("function_name") ?? "unknown"),
    isError: attributes.flag("success") === false,
    arguments: () => attributes.content("function_args"),
    result: () => attributes.content("error.message", "error"),
  });
}

function deriveError(event: LogEvent, { sender, writer }: LogContext): void {
  const { attributes } = event;
  const status = attributes.text("error.type") ?? attributes.count("status_code");
  writer.error(logPlace(event, sender), event.timeMicros, {
    summary: `request to ${cleanName(attributes.text("model", "model_name") ?? "a model")} failed`,
    message: attributes.text("error.message", "error"),
    errorType: status === undefined ? undefined : cleanName(String(status)),
  });
}
