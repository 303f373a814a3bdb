import type { ComponentStatus } from "@sandglass/protocol";
import { COMPONENT_STATUSES } from "@sandglass/protocol";
import type { ProbedStatus } from "./component-status.ts";
import type { StatusDatabase } from "./status-database.ts";

export const DAY_MS = 86_400_000;
/** Days that a page shows, today included. */
export const SHOWN_DAYS = 90;
const KEPT_DAYS = 400;
/** How long single probes are kept, for the latency's graph. */
const PROBES_KEPT_MS = 3 * DAY_MS;

/** As the table of probes has it; from here on there is no latency to speak of. */
const PARTIAL = COMPONENT_STATUSES.indexOf("partial_outage");

const COLUMNS: Readonly<Record<ComponentStatus, string>> = {
  operational: "up",
  degraded_performance: "degraded",
  partial_outage: "partial",
  major_outage: "down",
  under_maintenance: "maintenance",
};

/** Milliseconds of one day in each state; what they lack of the day nobody measured. */
export interface DayTimes {
  /** Days since the epoch, UTC. */
  day: number;
  up: number;
  degraded: number;
  partial: number;
  down: number;
  maintenance: number;
}

export interface LatencyPoint {
  /** Unix milliseconds. */
  at: number;
  latencyMs: number;
}

/** What probes found, and the time each component was up: only time between two probes counts, and only as what the later one found. */
export class UptimeTable {
  readonly #database: StatusDatabase;
  /** By component: read from the disk once. */
  readonly #latencies = new Map<number, LatencyPoint[]>();

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  /**
   * @param since Unix milliseconds of the probe before, where nothing lies between the two; absent where there is a gap
   * @param as what the time since then counts as
   */
  record(probe: {
    component: number;
    at: number;
    status: ProbedStatus;
    latencyMs: number | undefined;
    since: number | undefined;
    as: ComponentStatus;
  }): void {
    const { component, at, status, latencyMs, since, as } = probe;
    this.#database.statements.run(
      "INSERT INTO probes VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      component,
      at,
      COMPONENT_STATUSES.indexOf(status),
      latencyMs ?? null,
    );
    if (latencyMs !== undefined && COMPONENT_STATUSES.indexOf(status) < PARTIAL) {
      this.#latencies.get(component)?.push({ at, latencyMs });
    }
    for (let from = since ?? at; from < at; ) {
      const day = Math.floor(from / DAY_MS);
      const to = Math.min(at, (day + 1) * DAY_MS);
      const column = COLUMNS[as];
      this.#database.statements.run(
        `INSERT INTO days (component, day, ${column}) VALUES (?, ?, ?)
         ON CONFLICT (component, day) DO UPDATE SET ${column} = ${column} + excluded.${column}`,
        component,
        day,
        to - from,
      );
      from = to;
    }
  }

  /** Of the days that are shown, those that something was measured on, oldest first. */
  days(component: number, now: number): DayTimes[] {
    return this.#database.statements.all<DayTimes>(
      "SELECT day, up, degraded, partial, down, maintenance FROM days WHERE component = ? AND day > ? ORDER BY day",
      component,
      Math.floor(now / DAY_MS) - SHOWN_DAYS,
    );
  }

  /** Of successful probes of the last 24 hours, oldest first. */
  latencies(component: number, now: number): readonly LatencyPoint[] {
    const since = now - DAY_MS;
    const known = this.#latencies.get(component) ?? this.#readLatencies(component, since);
    const first = known.findIndex(({ at }) => at >= since);
    const points = first <= 0 ? known : known.slice(first);
    this.#latencies.set(component, points);
    return points;
  }

  #readLatencies(component: number, since: number): LatencyPoint[] {
    return this.#database.statements.all<LatencyPoint & Record<string, number>>(
      `SELECT at, latency AS latencyMs FROM probes
       WHERE component = ? AND at >= ? AND latency IS NOT NULL AND status < ? ORDER BY at`,
      component,
      since,
      PARTIAL,
    );
  }

  /** A few at a time: nothing waits long for it. */
  prune(now: number): void {
    const { statements } = this.#database;
    statements.run(
      `DELETE FROM probes WHERE (component, at) IN (SELECT component, at FROM probes WHERE at < ? LIMIT 1000)`,
      now - PROBES_KEPT_MS,
    );
    statements.run("DELETE FROM days WHERE day < ?", Math.floor(now / DAY_MS) - KEPT_DAYS);
  }
}

/** Of the time that was measured and was no maintenance: the share that it worked. Undefined where there is none. */
export function uptimeOf(days: readonly DayTimes[]): number | undefined {
  let up = 0;
  let measured = 0;
  for (const day of days) {
    up += day.up + day.degraded;
    measured += day.up + day.degraded + day.partial + day.down;
  }
  return measured === 0 ? undefined : up / measured;
}
