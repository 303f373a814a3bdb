import { hash } from "node:crypto";
import { isSpanId, isTraceId } from "@sandglass/protocol";
import type { OtlpLogRecord } from "../otlp/model.ts";
import { AttributeView } from "./attribute-view.ts";
import { microsOf } from "./derive-spans.ts";
import { derivedSpanId, derivedTraceId } from "./derived-id.ts";
import type { EventPlace } from "./event-writer.ts";

const PREFIXED = /^(?:claude_code|codex|gemini_cli)\.[a-z_.]{1,64}$/;
const INFERENCE_DETAILS = "gen_ai.client.inference.operation.details";
const CLAUDE_CODE_SCOPE = "com.anthropic.claude_code.events";
/** Of an attribute's text, for the identity of a record: enough to tell two records apart. */
const MAX_IDENTITY_CHARACTERS = 256;

/** A log record that is an event of an agent. */
export interface LogEvent {
  /** With the agent's prefix: `claude_code.api_request`. */
  readonly name: string;
  readonly attributes: AttributeView;
  /** The same for the same record sent again. */
  readonly identity: string;
  /** The span that was active, where the record says so. */
  readonly span: { readonly traceId: string; readonly spanId: string } | undefined;
  /** Microseconds since 1970; NaN where there is none. */
  readonly timeMicros: number;
}

/**
 * Reads a log record.
 *
 * @param scope name of the instrumentation scope
 * @returns undefined where it is no event that anything is derived from
 */
export function readLogEvent(record: OtlpLogRecord, scope: string): LogEvent | undefined {
  const attributes = new AttributeView(record.attributes);
  const name = eventName(record, attributes, scope);
  if (name === undefined) return undefined;
  const { traceId = "", spanId = "" } = record;
  const time = microsOf(record.timeUnixNano);
  return {
    name,
    attributes,
    identity: identityOf(record, name),
    span: isTraceId(traceId) && isSpanId(spanId) ? { traceId, spanId } : undefined,
    timeMicros: time > 0 ? time : microsOf(record.observedTimeUnixNano),
  };
}

/**
 * Where the events of a log record stand: below the span that it names. Without one they are in a trace of their agent's session, whose
 * id is made of the session's.
 *
 * @param sender tells senders apart whose sessions have the same name
 * @param subject what the event is about, where records of one subject share a span: a call's id
 */
export function logPlace(event: LogEvent, sender: string, subject: string = event.identity): EventPlace {
  const { attributes, name, span } = event;
  const session = attributes.text("session.id", "conversation.id", "gen_ai.conversation.id") ?? "";
  const agent = name.slice(0, name.indexOf("."));
  return {
    traceId: span?.traceId ?? derivedTraceId("session", sender, agent, session.slice(0, 200)),
    spanId: derivedSpanId("log", sender, subject),
    parentSpanId: span?.spanId ?? "",
  };
}

/** Agents put it into the event's name, an attribute, or the body; Claude Code's attribute lacks the prefix. */
function eventName(record: OtlpLogRecord, attributes: AttributeView, scope: string): string | undefined {
  const attribute = attributes.text("event.name");
  for (const name of [record.eventName, attribute, record.body?.stringValue]) {
    if (name !== undefined && name.length <= 100 && (PREFIXED.test(name) || name === INFERENCE_DETAILS)) {
      return name;
    }
  }
  const claudeCode = `claude_code.${attribute}`;
  return scope === CLAUDE_CODE_SCOPE && PREFIXED.test(claudeCode) ? claudeCode : undefined;
}

function identityOf(record: OtlpLogRecord, name: string): string {
  const { timeUnixNano, observedTimeUnixNano, traceId, spanId, attributes = [] } = record;
  const texts = attributes.map(({ key, value }) => [
    key,
    value?.stringValue?.slice(0, MAX_IDENTITY_CHARACTERS) ?? value?.intValue ?? value?.doubleValue,
  ]);
  return hash("sha256", JSON.stringify([name, timeUnixNano, observedTimeUnixNano, traceId, spanId, texts]));
}
