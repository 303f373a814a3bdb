import type { Statements } from "../statements.ts";

/** Of a list given as JSON. */
const LISTED = "(SELECT value FROM json_each(?))";

interface SpanName {
  name: string;
  service: string;
}

/**
 * Names of spans that somebody chose: those that programs sent, and those of the host that have a subject ("invoke_agent Ada"). The
 * host's own words are nobody's.
 *
 * @param spans their numbers, as JSON @param single spans that are none of a sandbox
 */
export function chosenNames(
  statements: Statements,
  spans: string,
  single: readonly { trace: string; span: string }[],
): SpanName[] {
  const chosen = "(origin != 0 OR instr(name, ' ') > 0)";
  const names = statements.all<SpanName>(
    `SELECT DISTINCT name, service FROM spans WHERE key IN ${LISTED} AND ${chosen}`,
    spans,
  );
  for (const { trace, span } of single) {
    const sql = `SELECT name, service FROM spans WHERE trace IN (SELECT key FROM traces WHERE trace = ?) AND span = ? AND ${chosen}`;
    names.push(...statements.all<SpanName>(sql, trace, span));
  }
  return names;
}

/**
 * Metrics of spans are of all that have a name: they go with the last of them. Called when the spans are gone.
 *
 * @returns rows
 */
export function eraseSpanSeries(statements: Statements, names: readonly SpanName[]): number {
  if (names.length === 0) return 0;
  const key = ({ name, service }: SpanName): string => JSON.stringify([name, service]);
  const left = new Set(
    statements
      .all<SpanName>(
        `SELECT DISTINCT name, service FROM spans WHERE name IN ${LISTED}`,
        JSON.stringify(names.map(({ name }) => name)),
      )
      .map(key),
  );
  const gone = new Set(names.map(key).filter((name) => !left.has(name)));
  const series = statements.all<{ key: number } & SpanName>(
    `SELECT key, json_extract(attributes, '$."span.name"') name, json_extract(attributes, '$."service.name"') service
     FROM metric_series WHERE sandbox IS NULL AND name IS NOT NULL`,
  );
  let rows = 0;
  for (const each of series) {
    if (!gone.has(key({ name: each.name, service: each.service }))) continue;
    rows += statements.run("DELETE FROM points WHERE series = ?", each.key);
    rows += statements.run("DELETE FROM rollups WHERE series = ?", each.key);
    rows += statements.run("DELETE FROM metric_series WHERE key = ?", each.key);
  }
  return rows;
}
