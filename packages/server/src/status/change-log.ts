import type { StatusEventDataMap, StatusEventType } from "@sandglass/protocol";
import type { StatusDatabase } from "./status-database.ts";

/** How long changes are kept for readers that do not get on. */
export const CHANGES_KEPT_MS = 30 * 86_400_000;

/** One thing that the status page has to tell: as the event of the same type, with its place. */
export type StatusChange = {
  [T in StatusEventType]: {
    /** Grows by each; also names the change for good. */
    position: number;
    /** Unix milliseconds. */
    at: number;
    type: T;
    data: StatusEventDataMap[T];
  };
}[StatusEventType];

interface ChangeRow {
  position: number;
  at: number;
  type: string;
  data: string;
}

/**
 * Everything that the status page has to tell, in order, written in the transaction that made it so. Whoever passes changes on
 * reads them at its own pace and says how far it is: a destination may be away for days, and the daemon may be killed at any
 * moment, and still nothing is skipped. What was passed on and not said to be comes again.
 *
 * @example
 * for (const change of changes.read(changes.place("mail"), 100)) { await send(change); changes.commit("mail", change.position) }
 */
export class ChangeLog {
  readonly #database: StatusDatabase;
  readonly #listeners = new Set<() => void>();

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  /** For what is inside a transaction; listeners are woken behind it, by {@link wake}. */
  append<T extends StatusEventType>(type: T, data: StatusEventDataMap[T], at: number): void {
    this.#database.statements.run(
      "INSERT INTO changes (at, type, data) VALUES (?, ?, ?)",
      at,
      type,
      JSON.stringify(data),
    );
  }

  /** The changes behind a position, oldest first. */
  read(after: number, limit = 100): StatusChange[] {
    return this.#database.statements
      .all<ChangeRow>("SELECT * FROM changes WHERE position > ? ORDER BY position LIMIT ?", after, limit)
      .map(({ data, ...row }) => ({ ...row, data: JSON.parse(data) }) as StatusChange);
  }

  /** Of the newest change; 0 where there was none. */
  get last(): number {
    const sql = "SELECT coalesce(max(position), 0) AS position FROM changes";
    return this.#database.statements.get<{ position: number }>(sql)?.position ?? 0;
  }

  /** How far a reader is. One that is new begins behind the newest change, and is remembered from here on. */
  place(reader: string): number {
    const found = this.#database.statements.get<{ position: number }>(
      "SELECT position FROM readers WHERE name = ?",
      reader,
    );
    if (found !== undefined) return found.position;
    const { last } = this;
    this.commit(reader, last);
    return last;
  }

  /** Says that a reader is done with everything up to here. */
  commit(reader: string, position: number): void {
    this.#database.statements.run(
      "INSERT INTO readers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position",
      reader,
      position,
    );
  }

  /** Told, without a word of what, whenever there may be something to read. Returns what ends it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of this.#listeners) listener();
  }

  prune(now: number): void {
    this.#database.statements.run(
      "DELETE FROM changes WHERE position IN (SELECT position FROM changes WHERE at < ? LIMIT 1000)",
      now - CHANGES_KEPT_MS,
    );
  }
}
