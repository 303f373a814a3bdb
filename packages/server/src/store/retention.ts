import type { DatabaseSync } from "node:sqlite";
import { ROLLUP_MICROS } from "./metrics/open-points.ts";
import { Statements } from "./statements.ts";

/** What comes in without end, with the columns that it is in order by, and that its age is. */
const GROWING = {
  events: { key: "position", time: "time" },
  spans: { key: "key", time: "start" },
  logs: { key: "key", time: "time" },
  points: { key: "key", time: "time" },
  samples: { key: "key", time: "time" },
} as const;
type Growing = keyof typeof GROWING;
const TABLES = Object.keys(GROWING) as Growing[];

/** Rows that go in one transaction: short enough that nobody waits for it, and never more than this share of all. */
const ROWS_AT_ONCE = 5_000;
const SHARE_AT_ONCE = 0.05;
/** Removed down to this share of the limit, so that it is not reached again at once. */
const DOWN_TO = 0.9;

/**
 * Lets the oldest go when the store is larger, or they are older, than is wanted. What has not ended stays. When room is short, the
 * table with the most rows gives: a sandbox that floods its telemetry pushes out telemetry, not the record.
 */
export class Retention {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number | undefined;
  #expired = 0;

  constructor(database: DatabaseSync, limits: { maxBytes: number; maxAgeMs: number | undefined }) {
    this.#database = database;
    this.#statements = new Statements(database);
    this.#maxBytes = limits.maxBytes;
    this.#maxAgeMs = limits.maxAgeMs;
  }

  /** Events, spans, log records, points and samples removed. */
  get expired(): number {
    return this.#expired;
  }

  /** Returns whether anything went. */
  expire(now: number): boolean {
    const before = this.#expired;
    if (this.#maxAgeMs !== undefined) {
      const oldest = (now - this.#maxAgeMs) * 1000;
      for (const table of TABLES) while (this.#removeOldest(table, oldest) > 0) {}
    }
    if (this.#usedBytes() > this.#maxBytes) {
      while (this.#usedBytes() > this.#maxBytes * DOWN_TO && this.#removeOldest(this.#largest()) > 0) {}
    }
    if (this.#expired === before) return false;
    this.#removeWhatIsOld();
    this.#database.exec("PRAGMA incremental_vacuum");
    return true;
  }

  #largest(): Growing {
    return TABLES.toSorted((a, b) => this.#rows(b) - this.#rows(a))[0] as Growing;
  }

  /** About: without reading them through. */
  #rows(table: Growing): number {
    const { key } = GROWING[table];
    // Those of log records have gaps: counted in the smallest index.
    const rows = table === "logs" ? "count(*)" : `max(${key}) - min(${key}) + 1`;
    const sql = `SELECT ${rows} AS rows FROM ${table}`;
    return this.#statements.get<{ rows: number | null }>(sql)?.rows ?? 0;
  }

  /** @param before Unix microseconds; absent: whatever their age */
  #removeOldest(table: Growing, before?: number): number {
    const { key, time } = GROWING[table];
    const atOnce = Math.min(ROWS_AT_ONCE, Math.ceil(this.#rows(table) * SHARE_AT_ONCE));
    // Before the first that is young enough: looks at the old ones alone.
    const first = `SELECT coalesce((SELECT ${key} FROM ${table} WHERE ${time} >= ? ORDER BY ${key} LIMIT 1), ?)`;
    const changes = this.#statements.run(
      `DELETE FROM ${table} WHERE ${key} IN
         (SELECT ${key} FROM ${table} WHERE ${key} < (${first}) ORDER BY ${key} LIMIT ?)`,
      ...[before ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, atOnce],
    );
    this.#expired += changes;
    return changes;
  }

  /** Sandboxes, execs, runs, traces and metrics whose last event, span or point has gone. */
  #removeWhatIsOld(): void {
    const run = (sql: string, value: number): void => void this.#statements.run(sql, value);
    const oldest = this.#statements.get<{ position: number | null }>(
      "SELECT min(position) position FROM events",
    );
    const position = oldest?.position ?? Number.MAX_SAFE_INTEGER;
    const span = this.#statements.get<{ start: number }>(
      // About the oldest: they came in this order.
      "SELECT start FROM spans ORDER BY key LIMIT 1",
    );
    this.#database.exec("BEGIN IMMEDIATE");
    const isOver =
      "last_position < ? AND NOT EXISTS (SELECT 1 FROM sandboxes WHERE sandboxes.run = runs.key)";
    const ended = "SELECT key FROM sandboxes WHERE state = 'terminated' AND last_position < ?";
    run(`DELETE FROM execs WHERE sandbox IN (${ended})`, position);
    run("DELETE FROM sandboxes WHERE state = 'terminated' AND last_position < ?", position);
    run(`DELETE FROM run_models WHERE run IN (SELECT key FROM runs WHERE ${isOver})`, position);
    run(`DELETE FROM runs WHERE ${isOver}`, position);
    // A trace with a span that came late stays for it: the span names it by its number, which is given again.
    const hasNoSpan = "NOT EXISTS (SELECT 1 FROM spans WHERE spans.trace = traces.key)";
    run(`DELETE FROM traces WHERE end < ? AND ${hasNoSpan}`, span?.start ?? Number.MAX_SAFE_INTEGER);
    // As old as the minutes that they are made of; the last one of these goes on.
    const point = this.#statements.get<{ time: number }>("SELECT time FROM points ORDER BY key LIMIT 1");
    run("DELETE FROM rollups WHERE time < ?", (point?.time ?? Number.MAX_SAFE_INTEGER) - ROLLUP_MICROS);
    this.#database.exec(`
      DELETE FROM metric_series WHERE NOT EXISTS (SELECT 1 FROM points WHERE points.series = metric_series.key);
      DELETE FROM metrics WHERE NOT EXISTS (SELECT 1 FROM metric_series WHERE metric_series.metric = metrics.key);
    `);
    this.#database.exec("COMMIT");
  }

  #usedBytes(): number {
    const pragma = (name: string): number =>
      Object.values(this.#statements.get<Record<string, number>>(`PRAGMA ${name}`) ?? {})[0] ?? 0;
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }
}
