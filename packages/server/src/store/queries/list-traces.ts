import type { Page, TraceSummary } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { timestampOf } from "../stored-event.ts";
import { Conditions } from "./conditions.ts";
import { type PagePlace, pageOf } from "./page-cursor.ts";
import { addTraceAttributes } from "./trace-attributes.ts";
import { traceSubject } from "./trace-subject.ts";

export interface ListTraces {
  orgId: string;
  limit: number;
  after?: PagePlace | undefined;
  since?: string | undefined;
  until?: string | undefined;
  minDurationMs?: number | undefined;
  maxDurationMs?: number | undefined;
  error?: boolean | undefined;
  service?: string | undefined;
  name?: string | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  template?: string | undefined;
  /** `name=value`, all of them. */
  attribute?: readonly string[] | undefined;
}

interface TraceRow {
  key: number;
  org: number;
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
  const { after, minDurationMs, maxDurationMs, error, service, name, template, attribute } = query;
  const conditions = new Conditions()
    .org(query.orgId)
    .about({ orgId: query.orgId, runId: query.runId })
    .during("start", query)
    .behind("start, key", after)
    .add("end - start >= ?", minDurationMs === undefined ? undefined : minDurationMs * 1000)
    .add("end - start <= ?", maxDurationMs === undefined ? undefined : maxDurationMs * 1000)
    .add("sandbox IN (SELECT key FROM sandboxes WHERE template = ?)", template)
    .add("(errors > 0) = ?", error === undefined ? undefined : Number(error))
    .add("service = ?", service)
    .add("instr(lower(root), lower(?)) > 0", name);
  // Any of its sandboxes: the row names the first alone.
  addTraceAttributes(statements, conditions, { attributes: attribute, sandboxId: query.sandboxId });
  const rows = statements.all<TraceRow>(
    `SELECT key, org, trace, start, end, spans, errors, root, service,
       (SELECT id FROM sandboxes WHERE sandboxes.key = sandbox) AS sandbox_id,
       (SELECT id FROM runs WHERE runs.key = run) AS run_id
     FROM traces WHERE ${conditions.text} ORDER BY start DESC, key DESC LIMIT ?`,
    ...[...conditions.values, query.limit + 1],
  );
  return pageOf(
    rows,
    query.limit,
    (row) => toSummary(statements, row),
    ({ start, key }) => ({ time: start, key }),
  );
}

function toSummary(statements: Statements, row: TraceRow): TraceSummary {
  return {
    traceId: row.trace,
    name: row.root,
    subject: traceSubject(statements, row.trace, row.org),
    service: row.service,
    startTime: timestampOf(row.start),
    durationMs: (row.end - row.start) / 1000,
    spans: row.spans,
    errors: row.errors,
    sandboxId: row.sandbox_id ?? "",
    runId: row.run_id ?? "",
  };
}
