import type { Page, RunState, RunSummary } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { Conditions } from "./conditions.ts";
import { type PagePlace, pageOf } from "./page-cursor.ts";
import { type RunRow, toRunSummary } from "./run-row.ts";

export interface ListRuns {
  orgId: string;
  limit: number;
  after?: PagePlace | undefined;
  status?: RunState | undefined;
  name?: string | undefined;
}

/** Newest first. */
export function listRuns(statements: Statements, query: ListRuns): Page<RunSummary> {
  const conditions = new Conditions()
    .org(query.orgId)
    .behind("started_at, key", query.after)
    .add("status = ?", query.status)
    .add("instr(lower(name), lower(?)) > 0", query.name);
  const rows = statements.all<RunRow>(
    `SELECT * FROM runs WHERE ${conditions.text} ORDER BY started_at DESC, key DESC LIMIT ?`,
    ...[...conditions.values, query.limit + 1],
  );
  return pageOf(rows, query.limit, toRunSummary, (row) => ({ time: row.started_at, key: row.key }));
}
