import { columnsOf, keyOf } from "./columns.ts";
import { qualifiedName, quoteIdentifier, type TableOptions } from "./table-options.ts";

/**
 * Inserts any number of events with one parameter a column, each an array of texts. An event that is there already is passed
 * over: the row count tells how many were new.
 */
export function insertStatement(options: TableOptions): string {
  const columns = columnsOf(options);
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(", ");
  const values = columns.map(({ name, type }) => `e.${quoteIdentifier(name)}::${type}`).join(", ");
  const arrays = columns.map((_, index) => `$${index + 1}::text[]`).join(", ");
  const key = keyOf(options).map(quoteIdentifier).join(", ");
  return (
    `INSERT INTO ${qualifiedName(options)} (${names}) ` +
    `SELECT ${values} FROM unnest(${arrays}) AS e (${names}) ON CONFLICT (${key}) DO NOTHING`
  );
}
