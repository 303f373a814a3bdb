import { randomBytes } from "node:crypto";
import type { StatusDatabase } from "../status-database.ts";

export const SUBSCRIBER_KINDS = ["email", "webhook"] as const;
export type SubscriberKind = (typeof SUBSCRIBER_KINDS)[number];
export const SUBSCRIBER_STATES = ["pending", "confirmed"] as const;
export type SubscriberState = (typeof SUBSCRIBER_STATES)[number];

/** Somebody who wants to be told. Nothing stays of one that has unsubscribed. */
export interface Subscriber {
  id: string;
  kind: SubscriberKind;
  /** An address, or a URL. */
  address: string;
  /** Component ids; none is all. */
  components: string[];
  /** Of a webhook: what its messages are signed with. */
  secret: string | undefined;
  /** Unix milliseconds. */
  createdAt: number;
  confirmedAt: number | undefined;
  /** Deliveries in a row that were given up. */
  failures: number;
}

interface Row {
  id: string;
  kind: SubscriberKind;
  address: string;
  components: string;
  secret: string | null;
  created_at: number;
  confirmed_at: number | null;
  failures: number;
}

/** Who never said yes is forgotten. */
const PENDING_MS = 48 * 3_600_000;

export class SubscriberTable {
  readonly #database: StatusDatabase;

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  /** @returns the one of that address where there is one already: an e-mail address is there once */
  add(subscriber: {
    kind: SubscriberKind;
    address: string;
    components: readonly string[];
    secret?: string;
    at: number;
    isConfirmed: boolean;
  }): Subscriber {
    const { kind, address, components, secret, at, isConfirmed } = subscriber;
    const known = kind === "email" ? this.#ofAddress(address) : undefined;
    if (known !== undefined) return known;
    const id = `sub_${randomBytes(16).toString("hex")}`;
    this.#database.statements.run(
      "INSERT INTO subscribers (id, kind, address, components, secret, created_at, confirmed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[id, kind, address, JSON.stringify(components), secret ?? null, at, isConfirmed ? at : null],
    );
    return this.get(id) as Subscriber;
  }

  get(id: string): Subscriber | undefined {
    const row = this.#database.statements.get<Row>("SELECT * FROM subscribers WHERE id = ?", id);
    return row && asSubscriber(row);
  }

  confirmed(): Subscriber[] {
    return this.#database.statements
      .all<Row>("SELECT * FROM subscribers WHERE confirmed_at IS NOT NULL")
      .map(asSubscriber);
  }

  /** @param state whether they have said yes */
  count(kind: SubscriberKind, state: SubscriberState): number {
    const sql = "SELECT count(*) AS count FROM subscribers WHERE kind = ? AND (confirmed_at IS NOT NULL) = ?";
    return (
      this.#database.statements.get<{ count: number }>(sql, kind, Number(state === "confirmed"))?.count ?? 0
    );
  }

  /** Of whatever state: so that nobody can fill the disk. */
  get size(): number {
    const sql = "SELECT count(*) AS count FROM subscribers";
    return this.#database.statements.get<{ count: number }>(sql)?.count ?? 0;
  }

  confirm(id: string, at: number): void {
    this.#database.statements.run(
      "UPDATE subscribers SET confirmed_at = coalesce(confirmed_at, ?) WHERE id = ?",
      at,
      id,
    );
  }

  setComponents(id: string, components: readonly string[]): void {
    this.#database.statements.run(
      "UPDATE subscribers SET components = ? WHERE id = ?",
      JSON.stringify(components),
      id,
    );
  }

  setFailures(id: string, failures: number): void {
    this.#database.statements.run("UPDATE subscribers SET failures = ? WHERE id = ?", failures, id);
  }

  remove(id: string): void {
    this.#database.transaction(() => {
      this.#database.statements.run("DELETE FROM deliveries WHERE subscriber = ?", id);
      this.#database.statements.run("DELETE FROM subscribers WHERE id = ?", id);
    });
  }

  prune(now: number): void {
    const sql = "SELECT * FROM subscribers WHERE confirmed_at IS NULL AND created_at < ?";
    for (const { id } of this.#database.statements.all<Row>(sql, now - PENDING_MS)) this.remove(id);
  }

  #ofAddress(address: string): Subscriber | undefined {
    const sql = "SELECT * FROM subscribers WHERE kind = 'email' AND address = ?";
    const row = this.#database.statements.get<Row>(sql, address);
    return row && asSubscriber(row);
  }
}

function asSubscriber({ created_at, confirmed_at, components, secret, ...row }: Row): Subscriber {
  return {
    ...row,
    components: JSON.parse(components) as string[],
    secret: secret ?? undefined,
    createdAt: created_at,
    confirmedAt: confirmed_at ?? undefined,
  };
}
