import type { Client } from "pg";
import { columnsOf, keyOf } from "./columns.ts";
import { type FoundTable, inspectTable, missingColumns } from "./inspect-table.ts";
import { qualifiedName, quoteIdentifier, type TableOptions } from "./table-options.ts";

/** Looked for by those who read; `timestamp` from the newest on. */
const INDEXES: Readonly<Record<string, string>> = {
  type: "type",
  sandbox_id: "sandbox_id",
  run_id: "run_id",
  trace_id: "trace_id",
  timestamp: '"timestamp" DESC',
};

/** An index takes about a second for so much, and keeps writers out meanwhile. */
const MAX_INDEXED_BYTES = 256 * 1024 * 1024;

/** So that those who wait for the table do not queue up behind us for long. */
const LOCK_TIMEOUT = "5s";

/**
 * Makes the table, or brings an older one up to date, where the options say so. Any number of daemons may do so at once.
 * Throws Error saying what keeps events out of it.
 */
export async function ensureTable(client: Client, options: TableOptions): Promise<void> {
  const found = await inspectTable(client, options);
  if (found !== undefined && missingColumns(found, options).length === 0) return;
  if (!options.createTable) throw new Error(whatIsMissing(found, options));
  await changeAlone(client, options, async () => {
    const latest = await inspectTable(client, options);
    await client.query(latest === undefined ? createStatements(options) : migrateStatements(latest, options));
  });
}

/** Runs `change` in a transaction, one daemon after the other. A connection whose change failed is not to be used again. */
export async function changeAlone(
  client: Client,
  options: TableOptions,
  change: () => Promise<void>,
): Promise<void> {
  await client.query(`BEGIN; SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
  await client.query("SELECT pg_advisory_xact_lock(hashtext('sandglass'), hashtext($1))", [
    qualifiedName(options),
  ]);
  await change();
  await client.query("COMMIT");
}

function createStatements(options: TableOptions): string {
  const columns = columnsOf(options).map(
    ({ name, type, isRequired }) => `${quoteIdentifier(name)} ${type}${isRequired ? " NOT NULL" : ""}`,
  );
  columns.push("created_at timestamp with time zone DEFAULT now()");
  columns.push(`PRIMARY KEY (${keyOf(options).map(quoteIdentifier).join(", ")})`);
  const partitions = options.partitionByDay ? ' PARTITION BY RANGE ("timestamp")' : "";
  const create = `CREATE TABLE ${qualifiedName(options)} (${columns.join(", ")})${partitions}`;
  return [create, ...Object.keys(INDEXES).map((column) => createIndex(column, options))].join(";\n");
}

function migrateStatements(table: FoundTable, options: TableOptions): string {
  const types = new Map(columnsOf(options).map(({ name, type }) => [name, type]));
  const statements = missingColumns(table, options).map(
    (name) =>
      `ALTER TABLE ${qualifiedName(options)} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(name)} ${types.get(name)}`,
  );
  if (table.sizeBytes <= MAX_INDEXED_BYTES) {
    const indexed = new Set(table.indexed);
    for (const column of Object.keys(INDEXES)) {
      if (!indexed.has(column)) statements.push(createIndex(column, options));
    }
  }
  return statements.join(";\n");
}

/** PostgreSQL finds a name for it. */
function createIndex(column: string, options: TableOptions): string {
  return `CREATE INDEX ON ${qualifiedName(options)} (${INDEXES[column]})`;
}

function whatIsMissing(table: FoundTable | undefined, options: TableOptions): string {
  const name = qualifiedName(options);
  if (table === undefined)
    return `table ${name} does not exist, and createTable is off: make it, or turn createTable on`;
  const columns = missingColumns(table, options).map(quoteIdentifier).join(", ");
  return `table ${name} has no column ${columns}, and createTable is off: add what is missing, or turn createTable on`;
}
