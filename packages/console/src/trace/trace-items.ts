import type { LogEntry } from "@sandglass/protocol";
import { STATUSES, type TraceShape, visibleRows } from "./trace-shape.ts";

/** Which spans of a trace are listed. */
export type Shown = "all" | "critical" | "errors";

/** A line of the waterfall: a span's row, or a log record below the span that wrote it. */
export type TraceItem = { row: number; log?: undefined } | { row: number; log: LogEntry };

/** Rows on the critical path. */
export function criticalRows({ critical }: Pick<TraceShape, "critical">): Set<number> {
  const rows = new Set<number>();
  for (let index = 0; index < critical.length; index += 3) rows.add(critical[index] ?? 0);
  return rows;
}

/** Log records by the row of their span; those of spans that are not there are left out. */
export function logsByRow(
  shape: Pick<TraceShape, "spanIds">,
  logs: readonly LogEntry[],
): Map<number, LogEntry[]> {
  if (logs.length === 0) return new Map();
  const rows = new Map(shape.spanIds.map((spanId, row) => [spanId, row]));
  const byRow = new Map<number, LogEntry[]>();
  for (const log of logs.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1))) {
    const row = rows.get(log.spanId);
    if (row === undefined) continue;
    const own = byRow.get(row);
    if (own === undefined) byRow.set(row, [log]);
    else own.push(log);
  }
  return byRow;
}

/** Log records of a span and of all that it caused. */
export function logsWithin(
  { end }: Pick<TraceShape, "end">,
  byRow: ReadonlyMap<number, LogEntry[]>,
  row: number,
): LogEntry[] {
  const last = end[row] ?? row + 1;
  return [...byRow]
    .filter(([each]) => each >= row && each < last)
    .flatMap(([, logs]) => logs)
    .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
}

/** The lines of the waterfall. A folded span stands for what it caused, its logs too. */
export function itemsOf(
  shape: TraceShape,
  folded: ReadonlySet<number>,
  shown: Shown,
  byRow: ReadonlyMap<number, LogEntry[]>,
): TraceItem[] {
  const critical = shown === "critical" ? criticalRows(shape) : undefined;
  const isListed = (row: number): boolean =>
    critical !== undefined
      ? critical.has(row)
      : shown === "all" || STATUSES[shape.status[row] ?? 0] === "error";
  const items: TraceItem[] = [];
  for (const row of visibleRows(shape, folded)) {
    if (!isListed(row)) continue;
    items.push({ row });
    if (byRow.size === 0) continue;
    const logs = folded.has(row) ? logsWithin(shape, byRow, row) : (byRow.get(row) ?? []);
    for (const log of logs) items.push({ row, log });
  }
  return items;
}
