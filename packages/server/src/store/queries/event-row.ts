import { type EventType, LEVELS, type RuntimeEvent } from "@sandglass/protocol";
import { timestampOf } from "../stored-event.ts";

/** What `toEvent` needs. */
export const EVENT_COLUMNS = `SELECT events.*, event_types.name AS type, sandboxes.id AS sandbox_id, runs.id AS run_id
  FROM events JOIN event_types ON event_types.key = events.type
    LEFT JOIN sandboxes ON sandboxes.key = events.sandbox LEFT JOIN runs ON runs.key = events.run`;

export interface EventRow {
  position: number;
  id: string;
  seq: number;
  time: number;
  type: EventType;
  level: number;
  sandbox_id: string | null;
  run_id: string | null;
  trace: string;
  span: string;
  parent: string;
  data: string;
}

/** As it was put in. */
export function toEvent(row: EventRow, orgId: string): RuntimeEvent {
  return {
    id: row.id,
    seq: row.seq,
    timestamp: timestampOf(row.time),
    type: row.type,
    level: LEVELS[row.level],
    orgId,
    sandboxId: row.sandbox_id ?? "",
    runId: row.run_id ?? "",
    traceId: row.trace,
    spanId: row.span,
    parentSpanId: row.parent,
    data: JSON.parse(row.data),
    // It was an event when it was put in.
  } as RuntimeEvent;
}
