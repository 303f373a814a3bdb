import type { Page, TraceSummary } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { timestampOf } from "../stored-event.ts";
import { Conditions } from "./conditions.ts";
import { type PagePlace, pageOf } from "./page-cursor.ts";

export interface ListTraces {
  orgId: string;
  limit: number;
  after?: PagePlace | undefined;
  since?: string | undefined;
  until?: string | undefined;
  minDurationMs?: number | undefined;
  error?: boolean | undefined;
  service?: string | undefined;
  name?: string | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  /** `name=value` */
  attribute?: string | undefined;
}

interface TraceRow {
  key: number;
  trace: string;
  start: number;
  end: number;
  spans: number;
  errors: number;
  root: string;
  service: string;
  sandbox_id: string | null;
  run_id: string | null;
}

/** Newest first. */
export function listTraces(statements: Statements, query: ListTraces): Page<TraceSummary> {
  const { after, minDurationMs, error, service, name, attribute } = query;
  const conditions = new Conditions()
    .org(query.orgId)
    .about(query)
    .during("start", query)
    .behind("start, key", after)
    .add("end - start >= ?", minDurationMs === undefined ? undefined : minDurationMs * 1000)
    .add("(errors > 0) = ?", error === undefined ? undefined : Number(error))
    .add("service = ?", service)
    .add("instr(lower(root), lower(?)) > 0", name);
  if (attribute !== undefined) {
    const separator = attribute.indexOf("=");
    conditions.add(HAS_ATTRIBUTE, attribute.slice(0, separator), attribute.slice(separator + 1));
  }
  const rows = statements.all<TraceRow>(
    `SELECT key, trace, start, end, spans, errors, root, service,
       (SELECT id FROM sandboxes WHERE sandboxes.key = sandbox) AS sandbox_id,
       (SELECT id FROM runs WHERE runs.key = run) AS run_id
     FROM traces WHERE ${conditions.text} ORDER BY start DESC, key DESC LIMIT ?`,
    ...[...conditions.values, query.limit + 1],
  );
  return pageOf(rows, query.limit, toSummary, ({ start, key }) => ({ time: start, key }));
}

/** Of any of its spans. Numbers and truth values are compared as they are written. */
const HAS_ATTRIBUTE = `EXISTS (
  SELECT 1 FROM spans, json_each(spans.attributes) AS attribute
  WHERE spans.trace = traces.trace AND spans.org = traces.org AND attribute.key = ?
    AND iif(attribute.type IN ('true', 'false'), attribute.type, CAST(attribute.value AS TEXT)) = ?)`;

function toSummary(row: TraceRow): TraceSummary {
  return {
    traceId: row.trace,
    name: row.root,
    service: row.service,
    startTime: timestampOf(row.start),
    durationMs: (row.end - row.start) / 1000,
    spans: row.spans,
    errors: row.errors,
    sandboxId: row.sandbox_id ?? "",
    runId: row.run_id ?? "",
  };
}
