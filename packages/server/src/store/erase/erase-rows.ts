import type { Statements } from "../statements.ts";
import type { EraseRequest, EraseResult } from "./erase-request.ts";
import { settleTraces } from "./settle-traces.ts";
import { chosenNames, eraseSpanSeries } from "./span-series.ts";

/** Of a list given as JSON. */
const LISTED = "(SELECT value FROM json_each(?))";
/** Tables with rows that are about one sandbox alone. */
const OF_SANDBOXES = ["events", "execs", "logs", "samples"] as const;
const WITH_ORIGINS = ["spans", "logs", "metric_series"] as const;
const OF_A_RUN = "name LIKE 'run.%' OR name LIKE 'agent.%' OR name = 'cost.llm'";

/**
 * Deletes every row that is about these sandboxes and this run, in the transaction that is open, and what nothing refers to any more
 * then. What a run that stays adds up to is left as it is.
 */
export function eraseRows(statements: Statements, request: EraseRequest): EraseResult {
  const { orgId, sandboxIds, runId, shared } = request;
  const org = statements.get<{ key: number }>("SELECT key FROM orgs WHERE id = ?", orgId)?.key;
  if (org === undefined) return { rows: 0, sandboxIds: [] };
  const run = statements.get<{ key: number }>(
    "SELECT key FROM runs WHERE org = ? AND id = ?",
    org,
    runId,
  )?.key;
  const found = statements.all<{ key: number; id: string }>(
    `SELECT key, id FROM sandboxes WHERE org = ? AND (id IN ${LISTED} OR run = ? AND id NOT IN ${LISTED})`,
    ...[org, JSON.stringify(sandboxIds), run ?? null, JSON.stringify(shared)],
  );
  const keys = JSON.stringify(found.map(({ key }) => key));
  const positions = statements.all<{ position: number; trace: string; span: string }>(
    `SELECT position, trace, span FROM events WHERE org = ? AND run = ?
       AND (sandbox IS NULL OR type IN (SELECT key FROM event_types WHERE ${OF_A_RUN}))`,
    ...[org, run ?? null],
  );
  const requests = fileRequests(statements, org, new Set(found.map(({ id }) => id)));
  const single = [...positions, ...requests];
  const spans = spansOf(statements, keys);
  const traces = tracesOf(statements, org, spans, single);
  const origins = originsOf(statements, keys, spans);
  const names = chosenNames(statements, spans, single);

  let rows = 0;
  const erase = (sql: string, ...values: (string | number | null)[]): void => {
    rows += statements.run(sql, ...values);
  };
  for (const { position, trace, span } of single) {
    erase("DELETE FROM events WHERE position = ?", position);
    erase(
      `DELETE FROM spans WHERE trace = (SELECT key FROM traces WHERE org = ? AND trace = ?) AND span = ? AND origin != 1`,
      ...[org, trace, span],
    );
  }
  erase(
    `DELETE FROM points WHERE series IN (SELECT key FROM metric_series WHERE sandbox IN ${LISTED})`,
    keys,
  );
  erase(`DELETE FROM metric_series WHERE sandbox IN ${LISTED}`, keys);
  erase(`DELETE FROM spans WHERE key IN ${LISTED}`, spans);
  for (const table of OF_SANDBOXES) erase(`DELETE FROM ${table} WHERE sandbox IN ${LISTED}`, keys);
  rows += eraseSpanSeries(statements, names);
  if (rows > 0) erase("DELETE FROM metrics WHERE key NOT IN (SELECT metric FROM metric_series)");
  erase(`DELETE FROM sandboxes WHERE key IN ${LISTED}`, keys);
  if (run !== undefined) {
    erase("DELETE FROM run_models WHERE run = ?", run);
    erase("DELETE FROM runs WHERE key = ?", run);
  }
  settleTraces(statements, { org, traces, sandboxes: keys, run });
  if (run !== undefined) forgetRun(statements, run);
  eraseOrigins(statements, origins);
  return { rows, sandboxIds: found.map(({ id }) => id) };
}

/** Requests that name a file of these sandboxes: the host's own events, which name it by their path alone. */
function fileRequests(statements: Statements, org: number, sandboxIds: ReadonlySet<string>) {
  const all = statements.all<{ position: number; trace: string; span: string; path: string }>(
    `SELECT position, trace, span, json_extract(data, '$.path') path FROM events
     WHERE type = (SELECT key FROM event_types WHERE name = 'http.request') AND org = ?
       AND path GLOB '/v1/sandboxes/*/files/?*'`,
    org,
  );
  return all.filter(({ path }) => sandboxIds.has(path.split("/")[3] ?? ""));
}

/** Numbers of the spans of these sandboxes, as JSON. All spans are looked through for them, once. */
function spansOf(statements: Statements, sandboxes: string): string {
  if (sandboxes === "[]") return "[]";
  const rows = statements.all<{ key: number }>(`SELECT key FROM spans WHERE sandbox IN ${LISTED}`, sandboxes);
  return JSON.stringify(rows.map(({ key }) => key));
}

/** Numbers of traces. */
function tracesOf(
  statements: Statements,
  org: number,
  spans: string,
  single: readonly { trace: string }[],
): number[] {
  const rows = statements.all<{ key: number }>(
    `SELECT DISTINCT trace AS key FROM spans WHERE key IN ${LISTED}
     UNION SELECT key FROM traces WHERE org = ? AND trace IN ${LISTED}`,
    ...[spans, org, JSON.stringify(single.map(({ trace }) => trace))],
  );
  return rows.map(({ key }) => key);
}

/** Resources and scopes that these spans name, or other rows of these sandboxes. */
function originsOf(statements: Statements, sandboxes: string, spans: string): string {
  const parts = WITH_ORIGINS.flatMap((table) => {
    const [column, list] = table === "spans" ? ["key", spans] : ["sandbox", sandboxes];
    return ["resource", "scope"].map((name) => ({
      sql: `SELECT ${name} AS key FROM ${table} WHERE ${column} IN ${LISTED}`,
      list,
    }));
  });
  const rows = statements.all<{ key: number | null }>(
    parts.map(({ sql }) => sql).join(" UNION "),
    ...parts.map(({ list }) => list),
  );
  return JSON.stringify(rows.flatMap(({ key }) => key ?? []));
}

/** Those of them that nothing names any more. */
function eraseOrigins(statements: Statements, origins: string): void {
  if (origins === "[]") return;
  const parts = WITH_ORIGINS.flatMap((table) =>
    ["resource", "scope"].map((column) => `SELECT ${column} FROM ${table} WHERE ${column} IN ${LISTED}`),
  );
  statements.run(
    `DELETE FROM origins WHERE key IN ${LISTED} AND key NOT IN (${parts.join(" UNION ")})`,
    ...[origins, ...parts.map(() => origins)],
  );
}

/** Its number is given again. */
function forgetRun(statements: Statements, run: number): void {
  const tables = ["events", "sandboxes", "execs", "spans", "logs", "traces", "metric_series"];
  for (const table of tables) statements.run(`UPDATE ${table} SET run = NULL WHERE run = ?`, run);
}
