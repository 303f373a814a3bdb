import { compileFilter, EVENT_TYPES, LEVELS, type Level, type RuntimeEvent } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { Conditions } from "./conditions.ts";

export interface FindLastEvents {
  orgId: string;
  last: number;
  types?: readonly string[] | undefined;
  minLevel?: Level | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  traceId?: string | undefined;
}

/** Position of the first of the last so many events of this kind; undefined where there are none. */
export function findLastEvents(statements: Statements, query: FindLastEvents): number | undefined {
  const { orgId, last, types, minLevel, traceId } = query;
  const conditions = new Conditions()
    .org(orgId)
    .about(query)
    .add("trace = ?", traceId)
    .add("level >= ?", minLevel === undefined ? undefined : LEVELS.indexOf(minLevel));
  if (types !== undefined) {
    const passes = compileFilter({ types });
    const wanted = EVENT_TYPES.filter((type) => passes({ type, level: "error" } as RuntimeEvent));
    const list = "SELECT key FROM event_types WHERE name IN (SELECT value FROM json_each(?))";
    conditions.add(`type IN (${list})`, JSON.stringify(wanted));
  }
  const row = statements.get<{ position: number | null }>(
    `SELECT min(position) AS position FROM
       (SELECT position FROM events WHERE ${conditions.text} ORDER BY position DESC LIMIT ?)`,
    ...[...conditions.values, last],
  );
  return row?.position ?? undefined;
}
