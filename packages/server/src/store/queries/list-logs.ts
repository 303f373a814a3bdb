import type { LogEntry, Page } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { Conditions } from "./conditions.ts";
import { LOG_COLUMNS, type LogRow, toLogEntry } from "./log-row.ts";
import { type PagePlace, pageOf } from "./page-cursor.ts";

export interface ListLogs {
  orgId: string;
  limit: number;
  after?: PagePlace | undefined;
  since?: string | undefined;
  until?: string | undefined;
  minSeverity?: number | undefined;
  text?: string | undefined;
  search?: string | undefined;
  /** `name=value`, all of them. */
  attribute?: readonly string[] | undefined;
  service?: string | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  traceId?: string | undefined;
  spanId?: string | undefined;
}

/** What a log record's words are those of. */
const SEARCHED = "iif(name IS NULL, body, name || ' ' || body)";

/** Newest first. */
export function listLogs(statements: Statements, query: ListLogs): Page<LogEntry> {
  const conditions = new Conditions()
    .org(query.orgId)
    .about(query)
    .during("time", query)
    .behind("time, key", query.after)
    .add("severity >= ?", query.minSeverity)
    .add("instr(lower(body), lower(?)) > 0", query.text)
    .add("service = ?", query.service)
    .add("trace = ?", query.traceId)
    .add("span = ?", query.spanId)
    .having("logs.attributes", query.attribute)
    .containing({ index: "logs_text", key: "key", text: SEARCHED }, query.search);
  const rows = statements.all<LogRow>(
    `${LOG_COLUMNS} WHERE ${conditions.text} ORDER BY time DESC, key DESC LIMIT ?`,
    ...[...conditions.values, query.limit + 1],
  );
  return pageOf(rows, query.limit, toLogEntry, ({ time, key }) => ({ time, key }));
}
