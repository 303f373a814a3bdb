import type { Client } from "pg";
import { columnsOf, keyOf } from "./columns.ts";
import { qualifiedName, type TableOptions } from "./table-options.ts";

/** A table as it is. */
export interface FoundTable {
  /** `r` is a plain table, `p` one with partitions; others are views and the like. */
  readonly kind: string;
  /** `RANGE ("timestamp")` */
  readonly partitionKey: string | null;
  readonly sizeBytes: number;
  readonly columns: readonly FoundColumn[];
  /** Columns, sorted by name, that are unique together. */
  readonly keys: readonly (readonly string[])[] | null;
  /** The first column of each index. */
  readonly indexed: readonly string[] | null;
}

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  /** It takes no NULL and has nothing else to put there. */
  readonly mustBeGiven: boolean;
}

const INSPECT = `
SELECT current_setting('server_encoding') AS encoding, (
  SELECT json_build_object(
    'kind', c.relkind,
    'partitionKey', pg_get_partkeydef(c.oid),
    'sizeBytes', pg_table_size(c.oid),
    'columns', (
      SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL),
        'mustBeGiven', a.attnotnull AND NOT a.atthasdef AND a.attidentity = '')), '[]')
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'keys', (
      SELECT json_agg((
        SELECT json_agg(a.attname ORDER BY a.attname COLLATE "C") FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])))
      FROM pg_index i
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL),
    'indexed', (
      SELECT json_agg(a.attname) FROM pg_index i
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2) AS "table"`;

/**
 * Looks the table up. Undefined where there is none. Throws Error saying what about it, or about the database, keeps events out
 * and what to do; columns that can be added are no such thing.
 */
export async function inspectTable(client: Client, options: TableOptions): Promise<FoundTable | undefined> {
  type Row = { encoding: string; table: FoundTable | null };
  const { rows } = await client.query<Row>(INSPECT, [options.schema, options.table]);
  const [{ encoding, table } = { encoding: "nothing", table: null }] = rows;
  if (encoding !== "UTF8")
    throw new Error(
      `the database is encoded in ${encoding}: events need one in UTF8 (CREATE DATABASE … ENCODING 'UTF8')`,
    );
  if (table === null) return undefined;
  const problem = kindProblem(table, options) ?? columnProblem(table, options) ?? keyProblem(table, options);
  if (problem !== undefined) throw new Error(`table ${qualifiedName(options)} ${problem}`);
  return table;
}

/** Names of the columns that an older table does not have yet. */
export function missingColumns(table: FoundTable, options: TableOptions): string[] {
  const names = new Set(table.columns.map(({ name }) => name));
  return columnsOf(options).flatMap(({ name }) => (names.has(name) ? [] : [name]));
}

function kindProblem(
  { kind, partitionKey }: FoundTable,
  { partitionByDay }: TableOptions,
): string | undefined {
  if (kind !== "r" && kind !== "p") return "is a view or the like: events need a table";
  if (partitionByDay && kind === "r")
    return "is not partitioned, and partitionByDay is on: rename it, or turn partitionByDay off";
  if (!partitionByDay && kind === "p") return "is partitioned: turn partitionByDay on, or name another table";
  if (partitionByDay && !/^RANGE \("?timestamp"?\)$/.test(partitionKey ?? ""))
    return `is partitioned by ${partitionKey}, and not by RANGE (timestamp): name another table`;
  return undefined;
}

function columnProblem(table: FoundTable, options: TableOptions): string | undefined {
  const wanted = new Map(columnsOf(options).map((column) => [column.name, column]));
  const found = new Map(table.columns.map((column) => [column.name, column]));
  for (const { name, isOriginal } of wanted.values()) {
    if (isOriginal && !found.has(name))
      return `has no column "${name}": it is a table of another kind, name another one`;
  }
  for (const { name, type, mustBeGiven } of found.values()) {
    const column = wanted.get(name);
    if (column === undefined && mustBeGiven)
      return `has a column "${name}" that must not be NULL and has no default: events have nothing for it`;
    if (column === undefined || type === column.type || type === column.alsoTakes) continue;
    const advice =
      name === "data" && (type === "text" || type === "jsonb")
        ? `set useJsonColumn to ${type === "jsonb"}, or name another table`
        : "name another table";
    return `has a column "${name}" of type ${type}, and events need ${column.type}: ${advice}`;
  }
  return undefined;
}

function keyProblem({ keys }: FoundTable, options: TableOptions): string | undefined {
  const wanted = keyOf(options).join(", ");
  if (keys?.some((key) => key.join(", ") === wanted)) return undefined;
  return `has no primary key on (${wanted}): without it an event that is sent twice would be in it twice`;
}
