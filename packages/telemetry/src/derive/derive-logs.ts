import type { LogsData } from "../otlp/model.ts";
import { AttributeView } from "./attribute-view.ts";
import { deriveClaudeCode } from "./claude-code-logs.ts";
import { deriveCodex } from "./codex-logs.ts";
import { spanKey } from "./derive-spans.ts";
import type { EventWriter } from "./event-writer.ts";
import { deriveGeminiCli } from "./gemini-cli-logs.ts";
import { type LogEvent, logPlace, readLogEvent } from "./log-event.ts";
import { readModelCall } from "./model-call.ts";
import { MARK, type SpanMemory } from "./span-memory.ts";

/** What a log event is derived with. */
export interface LogContext {
  /** Tells senders apart. */
  readonly sender: string;
  readonly memory: SpanMemory;
  readonly writer: EventWriter;
}

const GEMINI_CLI = "gemini-cli";

/**
 * Derives events from the log events of Claude Code, Codex CLI and Gemini CLI, and from those of the GenAI conventions that say what
 * a call of a model used. Each record once, also where it is sent again.
 *
 * @returns how many log records there were
 */
export function deriveLogs(data: LogsData, context: LogContext): number {
  let count = 0;
  for (const { resource, scopeLogs = [] } of data.resourceLogs ?? []) {
    const service = new AttributeView(resource?.attributes).text("service.name");
    for (const { scope, logRecords = [] } of scopeLogs) {
      count += logRecords.length;
      const scopeName = scope?.name ?? "";
      // Gemini CLI says each call twice: in an event of its own, and in one of the conventions that leaves half of it out.
      const isGemini = service === GEMINI_CLI || scopeName === GEMINI_CLI;
      for (const record of logRecords) {
        const event = readLogEvent(record, scopeName);
        if (event !== undefined && context.memory.isFirst(event.identity))
          deriveLog(event, isGemini, context);
      }
    }
  }
  return count;
}

function deriveLog(event: LogEvent, isGemini: boolean, context: LogContext): void {
  if (event.name.startsWith("claude_code.")) deriveClaudeCode(event, context);
  else if (event.name.startsWith("codex.")) deriveCodex(event, context);
  else if (event.name.startsWith("gemini_cli.")) deriveGeminiCli(event, context);
  else if (!isGemini) deriveInferenceDetails(event, context);
}

/** `gen_ai.client.inference.operation.details`: it says again what the span that it belongs to says, which may not be sent. */
function deriveInferenceDetails(event: LogEvent, { sender, memory, writer }: LogContext): void {
  const { span, attributes } = event;
  const call = readModelCall(attributes);
  if (call.usage === undefined && (call.costUsd ?? 0) === 0) return;
  if (span !== undefined) {
    const key = spanKey(span.traceId, span.spanId);
    if (memory.has(key, MARK.counted | MARK.countedBelow) || memory.isBelow(key, MARK.counted)) return;
    memory.mark(key, MARK.counted);
  }
  writer.cost(logPlace(event, sender), event.timeMicros, call);
}
