import type { LogEntry, Page } from "@sandglass/protocol";
import type { Statements } from "../statements.ts";
import { Conditions } from "./conditions.ts";
import { LOG_COLUMNS, type LogRow, toLogEntry } from "./log-row.ts";

export interface LogsAround {
  orgId: string;
  /** `log_…` */
  id: string;
  /** On each side of it. */
  lines: number;
}

/** A log record and what its sandbox, else its service, said before and after it; newest first. Empty where it has gone. */
export function logsAround(statements: Statements, { orgId, id, lines }: LogsAround): Page<LogEntry> {
  const key = Number(id.slice("log_".length));
  const own = new Conditions().org(orgId).add("key = ?", key);
  const line = statements.get<LogRow & { sandbox: number | null }>(
    `${LOG_COLUMNS.replace("SELECT", "SELECT sandbox,")} WHERE ${own.text}`,
    ...own.values,
  );
  if (line === undefined) return { items: [] };
  const { time, sandbox, service } = line;
  const near = (comparison: ">" | "<", order: "ASC" | "DESC"): LogRow[] => {
    const conditions = new Conditions().org(orgId).add(`(time, key) ${comparison} (?, ?)`, time, key);
    if (sandbox === null) conditions.add("sandbox IS NULL AND service = ?", service);
    else conditions.add("sandbox = ?", sandbox);
    return statements.all<LogRow>(
      `${LOG_COLUMNS} WHERE ${conditions.text} ORDER BY time ${order}, key ${order} LIMIT ?`,
      ...[...conditions.values, lines],
    );
  };
  const items = [...near(">", "ASC").reverse(), line, ...near("<", "DESC")];
  return { items: items.map(toLogEntry) };
}
