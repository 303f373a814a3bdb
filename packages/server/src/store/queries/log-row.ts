import type { LogEntry } from "@sandglass/protocol";
import { ORIGIN_NAMES } from "../span-table.ts";
import { timestampOf } from "../stored-event.ts";

/** What `toLogEntry` needs. */
export const LOG_COLUMNS = `SELECT key, time, severity, body, name, trace, span, origin, service, attributes,
    (SELECT id FROM sandboxes WHERE sandboxes.key = sandbox) AS sandbox_id,
    (SELECT id FROM runs WHERE runs.key = run) AS run_id
  FROM logs`;

export interface LogRow {
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

export function toLogEntry(row: LogRow): LogEntry {
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
