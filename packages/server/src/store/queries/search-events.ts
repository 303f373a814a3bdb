import type { RuntimeEvent } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { type EventsWanted, eventConditions } from "./event-conditions.ts";
import { EVENT_COLUMNS, type EventRow, toEvent } from "./event-row.ts";

export interface SearchEvents extends EventsWanted {
  search: string;
  /** Behind this position. */
  after: number;
  limit: number;
  /** The newest so many, not the first. */
  isLast: boolean;
}

/** Events whose texts have all that is searched for, in their order. */
export function searchEvents(
  statements: Statements,
  query: SearchEvents,
): { position: number; event: RuntimeEvent }[] {
  const { orgId, search, after, limit, isLast } = query;
  const conditions = eventConditions(query)
    .add("position > ?", after)
    .containing({ index: "events_text", key: "position", text: "data" }, search);
  const rows = statements.all<EventRow>(
    `${EVENT_COLUMNS} WHERE events.position IN
       (SELECT position FROM events WHERE ${conditions.text} ORDER BY position ${isLast ? "DESC" : "ASC"} LIMIT ?)
     ORDER BY events.position`,
    ...[...conditions.values, limit],
  );
  return rows.map((row) => ({ position: row.position, event: toEvent(row, orgId) }));
}
