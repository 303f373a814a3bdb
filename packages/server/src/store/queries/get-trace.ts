import {
  type Cause,
  microTimestamp,
  type RuntimeEvent,
  type TraceInfo,
  type TraceSpan,
} from "@sandglass/protocol";
import { TraceProjection } from "@sandglass/telemetry/reading";
import { ORIGIN, ORIGIN_NAMES, SPAN_KINDS } from "../span-table.ts";
import type { Statements } from "../statements.ts";
import { timestampOf } from "../stored-event.ts";
import { EVENT_COLUMNS, type EventRow, toEvent } from "./event-row.ts";

/** Spans and events of a larger trace are its first ones: an answer has to end. */
const MAX_ITEMS = 50_000;
const STATUSES = ["unset", "ok", "error"] as const;

/** The host's spans as its events tell of them, and those that programs sent. Undefined where the organisation has nothing of it. */
export function getTrace(
  statements: Statements,
  query: { orgId: string; traceId: string },
): TraceInfo | undefined {
  const { orgId, traceId } = query;
  const projection = new TraceProjection(traceId);
  for (const event of eventsOf(statements, orgId, traceId)) projection.apply(event);
  const told = projection.toTrace(microTimestamp());
  const sent = sentSpans(statements, orgId, traceId);
  if (told === undefined && sent.length === 0) return undefined;
  const spans = [...(told?.spans ?? []), ...sent].sort((a, b) => (a.startTime < b.startTime ? -1 : 1));
  return { traceId, spans: spans.slice(0, MAX_ITEMS), events: told?.events ?? [] };
}

function eventsOf(statements: Statements, orgId: string, traceId: string): RuntimeEvent[] {
  const rows = statements.all<EventRow>(
    `${EVENT_COLUMNS}
     WHERE events.trace = ? AND events.org = (SELECT key FROM orgs WHERE id = ?)
     ORDER BY events.position LIMIT ?`,
    ...[traceId, orgId, MAX_ITEMS],
  );
  return rows.map((row) => toEvent(row, orgId));
}

interface SpanRow {
  span: string;
  parent: string;
  name: string;
  kind: number;
  start: number;
  duration: number;
  status: number;
  message: string | null;
  cause: Cause | null;
  origin: number;
  service: string;
  scope: string | null;
  attributes: string;
  events: string | null;
  links: string | null;
  sandbox_id: string | null;
}

function sentSpans(statements: Statements, orgId: string, traceId: string): TraceSpan[] {
  return statements
    .all<SpanRow>(
      `SELECT spans.*, origins.json AS scope, sandboxes.id AS sandbox_id
       FROM spans LEFT JOIN origins ON origins.key = spans.scope LEFT JOIN sandboxes ON sandboxes.key = spans.sandbox
       WHERE spans.trace = (SELECT key FROM traces WHERE traces.trace = ? AND traces.org = (SELECT key FROM orgs WHERE id = ?))
         AND spans.resource IS NOT NULL AND spans.origin != ? ORDER BY spans.start LIMIT ?`,
      ...[traceId, orgId, ORIGIN.host, MAX_ITEMS],
    )
    .map((row) => toTraceSpan(row, traceId));
}

function toTraceSpan(row: SpanRow, traceId: string): TraceSpan {
  const origin = ORIGIN_NAMES[row.origin];
  return {
    traceId,
    spanId: row.span,
    parentSpanId: row.parent,
    name: row.name,
    kind: SPAN_KINDS[row.kind] ?? "UNSPECIFIED",
    startTime: timestampOf(row.start),
    durationMs: row.duration / 1000,
    status: STATUSES[row.status] ?? "unset",
    ...(row.message !== null && row.message !== "" && { message: row.message }),
    ...(row.cause !== null && { cause: row.cause }),
    sandboxId: row.sandbox_id ?? "",
    ...(origin !== undefined && { origin }),
    ...(row.service !== "" && { service: row.service }),
    ...(row.scope !== null && { scope: JSON.parse(row.scope) as NonNullable<TraceSpan["scope"]> }),
    attributes: JSON.parse(row.attributes) as Record<string, unknown>,
    ...(row.events !== null && {
      events: (
        JSON.parse(row.events) as { time: number; name: string; attributes: Record<string, unknown> }[]
      ).map(({ time, name, attributes }) => ({ timestamp: timestampOf(time), name, attributes })),
    }),
    ...(row.links !== null && { links: JSON.parse(row.links) as NonNullable<TraceSpan["links"]> }),
  };
}
