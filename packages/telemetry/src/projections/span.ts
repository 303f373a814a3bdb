import type { Cause, EventType, RuntimeEvent, TraceSpan } from "@sandglass/protocol";
import { elapsedMs, timeBefore } from "./micro-time.ts";
import { eventAttributes, identityAttributes } from "./span-attributes.ts";

/** A beginning that has its ending in another event. */
export type OpeningType = "exec.started" | "agent.tool_call" | "agent.started" | "run.started";

/** Names of the spans that the table in the design gives to events; an event that is not here is a point in time. */
const SPAN_NAMES: Partial<Record<EventType, string>> = {
  "http.request": "http_request",
  "sandbox.created": "sandbox.create",
  "sandbox.paused": "sandbox.pause",
  "sandbox.resumed": "sandbox.resume",
  "sandbox.terminated": "sandbox.terminate",
  "sandbox.forked": "sandbox.fork",
  "sandbox.merged": "sandbox.merge_into",
  "exec.started": "sandbox.execute",
  "exec.completed": "sandbox.execute",
  "file.created": "sandbox.file.write",
  "file.modified": "sandbox.file.write",
  "file.read": "sandbox.file.read",
  "file.deleted": "sandbox.file.delete",
  "network.egress": "sandbox.egress",
  "agent.started": "invoke_agent",
  "agent.completed": "invoke_agent",
  "agent.tool_call": "agent.tool_call",
  "agent.tool_result": "agent.tool_call",
  "run.started": "invoke_agent",
  "run.completed": "invoke_agent",
};

/** What a file operation that failed is called: as when it goes well, where that is a span. */
const FILE_OPERATIONS: Readonly<Record<string, string>> = {
  read: "sandbox.file.read",
  write: "sandbox.file.write",
  mkdir: "sandbox.file.write",
  remove: "sandbox.file.delete",
  move: "sandbox.file.move",
  stat: "sandbox.file.stat",
  list: "sandbox.file.list",
};

const OPENINGS: ReadonlySet<EventType> = new Set<OpeningType>([
  "exec.started",
  "agent.tool_call",
  "agent.started",
  "run.started",
]);

export function isOpening(event: RuntimeEvent): event is Extract<RuntimeEvent, { type: OpeningType }> {
  return OPENINGS.has(event.type);
}

/** Name of the span that an event is or begins; undefined for a point in time. */
export function spanName(event: RuntimeEvent): string | undefined {
  const name = SPAN_NAMES[event.type];
  switch (event.type) {
    case "run.started":
    case "run.completed":
      return `${name} ${event.data.name}`;
    case "agent.started":
    case "agent.completed":
      return `${name} ${event.data.agentName}`;
    case "file.error":
      return FILE_OPERATIONS[event.data.operation] ?? "sandbox.file";
    default:
      return name;
  }
}

/**
 * The span that ends with `event`; undefined where the event is a point in time or only begins one (see
 * {@link runningSpan}). It starts with `opening` where that is known, else `durationMs` before its end.
 */
export function toSpan(event: RuntimeEvent, opening?: RuntimeEvent): TraceSpan | undefined {
  const name = spanName(event);
  if (name === undefined || isOpening(event) || !("durationMs" in event.data)) return undefined;
  const { durationMs } = event.data;
  if (durationMs === undefined) return undefined;
  const cause = causeOf(event);
  return {
    traceId: event.traceId,
    // A result may have come without saying which span it ends; the call knows.
    spanId: opening?.spanId ?? event.spanId,
    parentSpanId: opening?.parentSpanId ?? event.parentSpanId,
    name,
    kind: event.type === "http.request" ? "SERVER" : "INTERNAL",
    startTime: opening?.timestamp ?? timeBefore(event.timestamp, durationMs),
    durationMs,
    status: hasFailed(event) ? "error" : "ok",
    ...(cause !== undefined && { cause }),
    sandboxId: event.sandboxId,
    attributes: {
      ...identityAttributes(event),
      ...(opening && eventAttributes(opening)),
      ...eventAttributes(event),
    },
  };
}

/** A span whose ending has not come. `now`: ISO 8601; default the opening's own time, which makes it 0 ms long. */
export function runningSpan(opening: RuntimeEvent, now: string = opening.timestamp): TraceSpan | undefined {
  const name = spanName(opening);
  if (name === undefined || !isOpening(opening)) return undefined;
  return {
    traceId: opening.traceId,
    spanId: opening.spanId,
    parentSpanId: opening.parentSpanId,
    name,
    kind: "INTERNAL",
    startTime: opening.timestamp,
    durationMs: elapsedMs(opening.timestamp, now),
    status: "running",
    sandboxId: opening.sandboxId,
    attributes: { ...identityAttributes(opening), ...eventAttributes(opening) },
  };
}

export function causeOf(event: RuntimeEvent): Cause | undefined {
  return event.type === "exec.completed" || event.type === "sandbox.terminated"
    ? event.data.cause
    : undefined;
}

/** Whose fault it is says the cause; here only whether it went as it should. */
export function hasFailed(event: RuntimeEvent): boolean {
  switch (event.type) {
    case "http.request":
      // By the semantic conventions a 4xx is no error of the server's span.
      return event.data.status >= 500;
    case "exec.completed":
      return event.data.cause !== "exited" || event.data.exitCode !== 0;
    case "file.error":
      // Whether there is a file is a question, and no is an answer.
      return event.data.operation !== "stat" || event.data.code !== "FILE_NOT_FOUND";
    case "sandbox.terminated":
      return (
        event.data.cause === "driver_error" ||
        event.data.cause === "host_crash" ||
        event.data.cause === "oom_killed"
      );
    case "agent.tool_result":
      return event.data.isError;
    case "agent.completed":
    case "run.completed":
      return event.data.status !== "ok";
    default:
      return false;
  }
}
