import type { EventDataMap, EventType, RuntimeEvent } from "@sandglass/protocol";
import type { LogFields } from "./log-message.ts";
import { LOG_MESSAGES } from "./log-messages.ts";

/** The HTTP request that an operation belongs to: what its lines are nested in. */
export interface RequestContext {
  method: string;
  path: string;
  /** The caller's span; "" where the trace starts with the request. */
  parentSpanId: string;
}

/** One line of the daemon's log. */
export interface LogLine {
  timestamp: string;
  level: "DEBUG" | "INFO" | "WARN" | "ERROR";
  /** For level directives; not printed. */
  target: string;
  message: string;
  /** Where it happened: `http_request` with method and path, else the target. */
  span: { name: string; method?: string; path?: string; trace_id: string; parent_span_id: string };
  fields: LogFields;
}

/** What level directives call the lines of such events. */
export function logTargetOf(type: EventType): string {
  return LOG_MESSAGES[type].target;
}

/**
 * Projects an event to its line.
 *
 * @param request of an event below an `http_request` span (its `parentSpanId` names that span), where it is known: the line then
 *   carries the request's method and path and the caller's span, as all lines of one request do
 */
export function toLogLine(event: RuntimeEvent, request?: RequestContext): LogLine {
  const { target, message } = LOG_MESSAGES[event.type];
  return {
    timestamp: event.timestamp,
    level: event.level.toUpperCase() as LogLine["level"],
    target,
    message,
    span: spanOf(event, target, request),
    fields: fieldsOf(event.type, event.data, event.sandboxId),
  };
}

/**
 * `2026-04-18T14:00:00Z INFO http_request method=POST path=/v1/sandboxes trace_id=… parent_span_id=… message="sandbox claimed"
 * template=python …`. A value with spaces, quotes, `=` or anything invisible is quoted and escaped: always one line.
 */
export function formatLogText({ timestamp, level, span, message, fields }: LogLine): string {
  const { name, method, path, trace_id, parent_span_id } = span;
  let text = `${timestamp} ${level} ${name}`;
  if (method !== undefined) text += ` method=${formatValue(method)}`;
  if (path !== undefined) text += ` path=${formatValue(path)}`;
  text += ` trace_id=${formatValue(trace_id)} parent_span_id=${formatValue(parent_span_id)} message=${formatValue(message)}`;
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) text += ` ${key}=${formatValue(value)}`;
  }
  return text;
}

/** The same as one JSON object; the sandbox's id is `sandbox_id`. */
export function formatLogJson({ timestamp, level, span, message, fields }: LogLine): string {
  const { id, ...rest } = fields;
  const line = { timestamp, level, message, span, sandbox_id: id, ...rest };
  return JSON.stringify(line).replace(LINE_BREAKERS, escapeCharacter);
}

function spanOf(event: RuntimeEvent, target: string, request: RequestContext | undefined): LogLine["span"] {
  const place = { trace_id: event.traceId, parent_span_id: request?.parentSpanId ?? event.parentSpanId };
  const { method, path } = event.type === "http.request" ? event.data : (request ?? {});
  if (method === undefined || path === undefined) return { name: target, ...place };
  return { name: "http_request", method, path, ...place };
}

function fieldsOf<T extends EventType>(type: T, data: EventDataMap[T], sandboxId: string): LogFields {
  const fields = LOG_MESSAGES[type].fields(data, sandboxId);
  const shown: LogFields = {};
  for (const key in fields) {
    const value = fields[key];
    if (value === "" || value === undefined) continue;
    shown[key] = typeof value === "number" ? Math.round(value * 1e6) / 1e6 : value;
  }
  return shown;
}

/** Control and format characters (bidirectional overrides among them), and what is a line's end to somebody. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** What JSON lets stand in a string though some reader ends a line there. */
const LINE_BREAKERS = /[\u007f-\u009f\u2028\u2029]/g;
const NEEDS_QUOTES = /[\s"'=\\\p{C}\p{Z}]/u;
/** Nearly every value, told in a fraction of the time. */
const IS_PLAIN = /^[\w./:-]+$/;

function formatValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (IS_PLAIN.test(value)) return value;
  if (value !== "" && !NEEDS_QUOTES.test(value)) return value;
  return JSON.stringify(value).replace(INVISIBLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  let escaped = "";
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
