import type { Client } from "pg";
import { changeAlone } from "./ensure-table.ts";
import { qualifiedName, type TableOptions } from "./table-options.ts";

/** A day in UTC. */
export interface Day {
  /** `20260418` */
  readonly suffix: string;
  /** `2026-04-18` */
  readonly begins: string;
  readonly ends: string;
}

/** The days of timestamps (a `text[]`), as the server reads them. Rejects for what is no timestamp; "infinity" has no day. */
export async function daysOf(client: Client, timestamps: Buffer): Promise<Day[]> {
  const { rows } = await client.query<Day>(
    `SELECT DISTINCT to_char(day, 'YYYYMMDD') AS suffix, to_char(day, 'YYYY-MM-DD') AS begins,
       to_char(day + 1, 'YYYY-MM-DD') AS ends
     FROM (SELECT (t::timestamptz AT TIME ZONE 'UTC')::date AS day FROM unnest($1::text[]) AS t) AS days
     WHERE isfinite(day)`,
    [timestamps],
  );
  return rows;
}

/**
 * Makes partitions for days that have none. Each is made apart and then attached, which, other than making it in place, does
 * not keep readers and writers out of the table.
 */
export async function createDayPartitions(
  client: Client,
  options: TableOptions,
  days: readonly Day[],
): Promise<void> {
  await changeAlone(client, options, async () => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass",
      [qualifiedName(options)],
    );
    const existing = new Set(rows.map(({ name }) => name));
    const statements = days.flatMap((day) => {
      const table = `${options.table}_${day.suffix}`;
      return existing.has(table) ? [] : createPartition({ ...options, table }, options, day);
    });
    await client.query(statements.join(";\n"));
  });
}

function createPartition(partition: TableOptions, parent: TableOptions, { begins, ends }: Day): string[] {
  return [
    `CREATE TABLE ${qualifiedName(partition)} (LIKE ${qualifiedName(parent)} INCLUDING ALL)`,
    `ALTER TABLE ${qualifiedName(parent)} ATTACH PARTITION ${qualifiedName(partition)} ` +
      `FOR VALUES FROM ('${begins} 00:00:00+00') TO ('${ends} 00:00:00+00')`,
  ];
}
