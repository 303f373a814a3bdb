import type { Statements } from "../statements.ts";
import { type EventsWanted, eventConditions } from "./event-conditions.ts";

export interface FindLastEvents extends EventsWanted {
  last: number;
}

/** Position of the first of the last so many events of this kind; undefined where there are none. */
export function findLastEvents(statements: Statements, query: FindLastEvents): number | undefined {
  const conditions = eventConditions(query);
  const row = statements.get<{ position: number | null }>(
    `SELECT min(position) AS position FROM
       (SELECT position FROM events WHERE ${conditions.text} ORDER BY position DESC LIMIT ?)`,
    ...[...conditions.values, query.last],
  );
  return row?.position ?? undefined;
}
