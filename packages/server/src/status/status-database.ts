import type { DatabaseSync } from "node:sqlite";
import { Statements } from "../store/statements.ts";

/**
 * `status.db` and its transactions. It lives on the event loop: a round of probes is a dozen rows every half minute, in one
 * transaction that waits for no disk (WAL, synchronous NORMAL), and pages are rendered from a picture that is kept. A thread would
 * cost more than that, and make the order of probes, incidents and what people write a matter of luck.
 */
export class StatusDatabase {
  readonly statements: Statements;
  readonly #database: DatabaseSync;
  #depth = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.statements = new Statements(database);
  }

  /** All of it or nothing; one inside another is part of the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#database.exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const value = work();
      this.#database.exec("COMMIT");
      return value;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    this.#database.close();
  }
}
