import type { Statements } from "../statements.ts";
import { reindexTrace } from "../trace-index.ts";

/**
 * Spans were deleted: what a list of traces shows is made anew from those that are left, and a trace without any goes.
 *
 * @param erased numbers; `sandboxes` as JSON
 */
export function settleTraces(
  statements: Statements,
  erased: { org: number; traces: readonly number[]; sandboxes: string; run: number | undefined },
): void {
  const { org, traces, sandboxes, run = null } = erased;
  for (const trace of traces) {
    const left = statements.get<{ spans: number; errors: number; start: number; end: number }>(
      `SELECT count(*) spans, sum(status = 2) errors, min(start) start, max(start + duration) end
       FROM spans WHERE trace = ?`,
      trace,
    );
    if (left === undefined || left.spans === 0) {
      statements.run("DELETE FROM traces WHERE key = ?", trace);
      continue;
    }
    // As it is when a span comes: see `SpanTable`.
    const root = statements.get<{ name: string; service: string; start: number; rank: number }>(
      `SELECT name, service, start, CASE WHEN origin = 1 THEN 0 WHEN parent = '' THEN 2 ELSE 1 END rank
       FROM spans WHERE trace = ? ORDER BY rank DESC, start LIMIT 1`,
      trace,
    );
    statements.run(
      `UPDATE traces SET spans = ?, errors = ?, start = ?, end = ?, root = ?, service = ?, root_start = ?, rank = ?
       WHERE key = ?`,
      ...[left.spans, left.errors, left.start, left.end],
      ...[root?.name ?? "", root?.service ?? "", root?.start ?? left.start, root?.rank ?? 0, trace],
    );
    reindexTrace(statements, trace);
  }
  statements.run(
    "UPDATE traces SET sandbox = NULL WHERE org = ? AND sandbox IN (SELECT value FROM json_each(?))",
    org,
    sandboxes,
  );
  statements.run("UPDATE traces SET run = NULL WHERE org = ? AND run = ?", org, run);
}
