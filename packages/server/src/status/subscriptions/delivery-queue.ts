import type { StatusDatabase } from "../status-database.ts";
import type { SubscriberKind } from "./subscriber-table.ts";

/** In the place of a change's position: the question whether somebody really wants to be told. */
export const CONFIRMATION = 0;
/** That they are told already. */
export const REMINDER = -1;

export interface Delivery {
  key: number;
  subscriber: string;
  /** Position in the change log, or one of the constants. */
  change: number;
  /** Unix milliseconds. */
  createdAt: number;
  attempts: number;
}

interface Row {
  key: number;
  subscriber: string;
  change: number;
  created_at: number;
  attempts: number;
}

/** What is still to be sent, to each subscriber in order: one that cannot be reached holds up nobody else. */
export class DeliveryQueue {
  readonly #database: StatusDatabase;

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  /** Once, however often it is asked. */
  add(subscriber: string, change: number, at: number): void {
    this.#database.statements.run(
      "INSERT OR IGNORE INTO deliveries (subscriber, change, created_at, due_at) VALUES (?, ?, ?, ?)",
      ...[subscriber, change, at, at],
    );
  }

  /** The first of each subscriber whose time has come. */
  due(now: number, limit: number): Delivery[] {
    return this.#database.statements
      .all<Row>(
        `SELECT * FROM deliveries AS d
         WHERE due_at <= ? AND key = (SELECT min(key) FROM deliveries WHERE subscriber = d.subscriber)
         ORDER BY due_at LIMIT ?`,
        now,
        limit,
      )
      .map(({ created_at, ...row }) => ({ ...row, createdAt: created_at }));
  }

  /** When the next one's time comes; undefined where there is none. */
  nextAt(): number | undefined {
    const sql = `SELECT min(due_at) AS at FROM deliveries AS d
      WHERE key = (SELECT min(key) FROM deliveries WHERE subscriber = d.subscriber)`;
    return this.#database.statements.get<{ at: number | null }>(sql)?.at ?? undefined;
  }

  done(key: number): void {
    this.#database.statements.run("DELETE FROM deliveries WHERE key = ?", key);
  }

  again(key: number, at: number): void {
    this.#database.statements.run(
      "UPDATE deliveries SET due_at = ?, attempts = attempts + 1 WHERE key = ?",
      at,
      key,
    );
  }

  /** How many wait for subscribers of a kind. */
  count(kind: SubscriberKind): number {
    const sql =
      "SELECT count(*) AS count FROM deliveries AS d JOIN subscribers AS s ON s.id = d.subscriber WHERE s.kind = ?";
    return this.#database.statements.get<{ count: number }>(sql, kind)?.count ?? 0;
  }

  /** When the one that waits longest was to be sent, in Unix milliseconds; undefined where none waits. */
  oldestAt(): number | undefined {
    const sql = "SELECT min(created_at) AS at FROM deliveries";
    return this.#database.statements.get<{ at: number | null }>(sql)?.at ?? undefined;
  }
}
