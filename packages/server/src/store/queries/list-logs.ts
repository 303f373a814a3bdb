import type { LogEntry, Page } from "@sandglass/protocol";
import { ORIGIN_NAMES } from "../span-table.ts";
import type { Statements } from "../statements.ts";
import { timestampOf } from "../stored-event.ts";
import { Conditions } from "./conditions.ts";
import { type PagePlace, pageOf } from "./page-cursor.ts";

export interface ListLogs {
  orgId: string;
  limit: number;
  after?: PagePlace | undefined;
  since?: string | undefined;
  until?: string | undefined;
  minSeverity?: number | undefined;
  text?: string | undefined;
  service?: string | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  traceId?: string | undefined;
  spanId?: string | undefined;
}

interface LogRow {
  key: number;
  time: number;
  severity: number;
  body: string;
  name: string | null;
  trace: string;
  span: string;
  origin: number;
  service: string;
  attributes: string;
  sandbox_id: string | null;
  run_id: string | null;
}

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
    .add("span = ?", query.spanId);
  const rows = statements.all<LogRow>(
    `SELECT key, time, severity, body, name, trace, span, origin, service, attributes,
       (SELECT id FROM sandboxes WHERE sandboxes.key = sandbox) AS sandbox_id,
       (SELECT id FROM runs WHERE runs.key = run) AS run_id
     FROM logs WHERE ${conditions.text} ORDER BY time DESC, key DESC LIMIT ?`,
    ...[...conditions.values, query.limit + 1],
  );
  return pageOf(rows, query.limit, toEntry, ({ time, key }) => ({ time, key }));
}

function toEntry(row: LogRow): LogEntry {
  const origin = ORIGIN_NAMES[row.origin];
  return {
    id: `log_${row.key}`,
    timestamp: timestampOf(row.time),
    severity: row.severity,
    body: row.body,
    ...(row.name !== null && { name: row.name }),
    traceId: row.trace,
    spanId: row.span,
    sandboxId: row.sandbox_id ?? "",
    runId: row.run_id ?? "",
    ...(origin !== undefined && { origin }),
    service: row.service,
    attributes: JSON.parse(row.attributes) as Record<string, unknown>,
  };
}
