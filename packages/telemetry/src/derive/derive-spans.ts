import { isSpanId, isTraceId } from "@sandglass/protocol";
import { type OtlpSpan, STATUS_CODE, type TracesData } from "../otlp/model.ts";
import { AttributeView } from "./attribute-view.ts";
import { cleanName } from "./captured-text.ts";
import { childrenFirst, type SpanPlace } from "./children-first.ts";
import type { EventPlace, EventWriter, TimeSpan } from "./event-writer.ts";
import { type ModelCall, readClaudeCodeRequest, readModelCall } from "./model-call.ts";
import { reasoningText } from "./reasoning-text.ts";
import { type SpanKind, spanKind } from "./span-kind.ts";
import { MARK, type SpanMemory } from "./span-memory.ts";
import { readToolCall } from "./tool-call.ts";

const CLAUDE_CODE = "claude_code.";

/** A span that can be told apart from all others, and what it stands for. */
interface KnownSpan extends SpanPlace {
  readonly kind: SpanKind;
  readonly name: string;
  readonly attributes: AttributeView;
  readonly place: EventPlace;
  readonly time: TimeSpan;
  readonly hasFailed: boolean;
  readonly statusMessage: string | undefined;
}

/**
 * Derives events from spans.
 *
 * - A call of a model becomes `cost.llm`, and `agent.thinking` where its thoughts are in it; one that failed becomes `agent.error`.
 * - A call of a tool becomes `agent.tool_call` and `agent.tool_result`.
 * - An agent that failed becomes `agent.error`, unless a failure below it was told.
 *
 * Of several spans around one call of a model the innermost counts; where it comes after one that was counted already, it does not. What
 * agents, chains and wrappers add up is never counted.
 *
 * @returns how many spans there were
 */
export function deriveSpans(data: TracesData, memory: SpanMemory, writer: EventWriter): number {
  const known: KnownSpan[] = [];
  let count = 0;
  for (const { scopeSpans = [] } of data.resourceSpans ?? []) {
    for (const { scope, spans = [] } of scopeSpans) {
      count += spans.length;
      for (const span of spans) known.push(...knownSpan(span, scope?.name ?? ""));
    }
  }
  for (const span of childrenFirst(known)) {
    if (memory.enter(span.key, span.parent, span.kind)) deriveSpan(span, memory, writer);
  }
  return count;
}

/** What a span is called among those of one sender. */
export function spanKey(traceId: string, spanId: string): string {
  return `${traceId}${spanId}`;
}

/** Identity of a call that Claude Code tells as a span and as a log event. */
export function claudeCodeIdentity(what: "request" | "tool", id: string): string {
  return `claude_code ${what} ${id.slice(0, 200)}`;
}

/** None where it has no ids: nothing could be said of it that is not said again with the next. */
function knownSpan(span: OtlpSpan, scope: string): KnownSpan[] {
  const { traceId = "", spanId = "", name = "", status } = span;
  if (!isTraceId(traceId) || !isSpanId(spanId)) return [];
  const parentSpanId = isSpanId(span.parentSpanId ?? "") ? span.parentSpanId! : "";
  const attributes = new AttributeView(span.attributes);
  return [
    {
      key: spanKey(traceId, spanId),
      parent: parentSpanId === "" ? "" : spanKey(traceId, parentSpanId),
      kind: spanKind(name, scope, attributes),
      name,
      attributes,
      place: { traceId, spanId, parentSpanId },
      time: { startMicros: microsOf(span.startTimeUnixNano), endMicros: microsOf(span.endTimeUnixNano) },
      hasFailed: status?.code === STATUS_CODE.ERROR || attributes.has("error.type"),
      statusMessage: status?.message,
    },
  ];
}

function deriveSpan(span: KnownSpan, memory: SpanMemory, writer: EventWriter): void {
  switch (span.kind) {
    case "model":
      deriveModelCall(span, memory, writer);
      return;
    case "tool":
      deriveToolCall(span, memory, writer);
      return;
    case "agent":
      if (span.hasFailed) tellFailure(span, memory, writer);
      return;
    case "execution":
      if (span.hasFailed || span.attributes.flag("success") === false) {
        memory.mark(span.parent, MARK.executionFailed);
      }
  }
}

function deriveModelCall(span: KnownSpan, memory: SpanMemory, writer: EventWriter): void {
  const { attributes, key, place, time } = span;
  if (span.hasFailed || attributes.flag("success") === false) tellFailure(span, memory, writer);
  const isClaudeCode = span.name.startsWith(CLAUDE_CODE);
  const call = isClaudeCode ? readClaudeCodeRequest(attributes) : readModelCall(attributes);
  if (!hasUse(call) || isCountedElsewhere(span, isClaudeCode, memory)) return;
  memory.mark(key, MARK.counted);
  writer.cost(place, time.endMicros, call);
  const thoughts = reasoningText(attributes);
  if (thoughts !== undefined) writer.thinking(place, time.endMicros, thoughts);
}

function hasUse({ usage, costUsd = 0 }: ModelCall): boolean {
  return usage !== undefined || costUsd > 0;
}

function isCountedElsewhere(
  { key, attributes }: KnownSpan,
  isClaudeCode: boolean,
  memory: SpanMemory,
): boolean {
  if (memory.has(key, MARK.counted | MARK.countedBelow) || memory.isBelow(key, MARK.counted)) return true;
  if (!isClaudeCode) return false;
  // Its log event is what counts. Where that is not exported, the request's id is what makes sure of it.
  const requestId = attributes.text("request_id");
  return requestId === undefined || !memory.isFirst(claudeCodeIdentity("request", requestId));
}

function deriveToolCall(span: KnownSpan, memory: SpanMemory, writer: EventWriter): void {
  const { attributes, key, place, time, name } = span;
  const hasFailed = span.hasFailed || memory.has(key, MARK.executionFailed);
  const call = readToolCall(name, attributes, hasFailed);
  if (call === undefined || !memory.isFirstOfTool(key, call.name)) return;
  if (name.startsWith(CLAUDE_CODE)) {
    if (call.callId === undefined || !memory.isFirst(claudeCodeIdentity("tool", call.callId))) return;
  }
  if (call.isError) memory.mark(key, MARK.failureTold);
  writer.tool(place, time, call);
}

/** Once for one failure, however many spans it went up through. */
function tellFailure(span: KnownSpan, memory: SpanMemory, writer: EventWriter): void {
  const { key, attributes, place, time, kind } = span;
  if (memory.has(key, MARK.failureTold | MARK.failureBelow) || memory.isBelow(key, MARK.failureTold)) return;
  memory.mark(key, MARK.failureTold);
  const errorType = attributes.text("error.type");
  const summary = `${kind === "model" ? "call of a model" : "agent"} failed: ${cleanName(span.name)}`;
  writer.error(place, time.endMicros, {
    summary,
    message: span.statusMessage ?? attributes.text("error"),
    errorType: errorType === undefined ? undefined : cleanName(errorType),
  });
}

/** NaN where there is none. */
export function microsOf(unixNano: string | undefined): number {
  return unixNano === undefined ? Number.NaN : Math.floor(Number(unixNano) / 1000);
}
