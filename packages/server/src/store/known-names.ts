import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Numbers of names in a table of two columns, `key` and one that is unique; a name that is new gets one. */
export class KnownNames {
  readonly #keys = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync, table: "orgs" | "event_types", column: "id" | "name") {
    this.#insert = database.prepare(`INSERT INTO ${table} (${column}) VALUES (?) ON CONFLICT DO NOTHING`);
    this.#find = database.prepare(`SELECT key FROM ${table} WHERE ${column} = ?`);
  }

  keyOf(name: string): number {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    this.#insert.run(name);
    const { key } = this.#find.get(name) as { key: number };
    this.#keys.set(name, key);
    return key;
  }

  /** After a transaction that was rolled back: what it numbered is not there. */
  forget(): void {
    this.#keys.clear();
  }
}
