import { hash } from "node:crypto";
import type { TelemetryPlace } from "../span-table.ts";
import { ORIGIN } from "../span-table.ts";
import type { Statements } from "../statements.ts";
import type { Distribution } from "./distribution.ts";

/** Numbers in the tables. */
export const METRIC_TYPE = { gauge: 0, counter: 1, histogram: 2 } as const;

/** Series whose number is kept in memory. */
const MAX_KNOWN = 20_000;
/** Names of attributes that are told of a metric. */
const MAX_ATTRIBUTES = 100;

export interface MetricDefinition {
  name: string;
  type: number;
  isDelta: boolean;
  unit: string;
  description: string;
}

export interface SeriesDefinition {
  attributes: Record<string, unknown>;
  /** Of its resource: they are attributes to whoever asks. */
  resourceNames: readonly string[];
  /** Numbers of them; null where there is none. */
  resource: number | null;
  scope: number | null;
  /** Who told of what it is derived from; default: who tells of the metric. */
  origin?: TelemetryPlace["origin"] | undefined;
}

interface KnownMetric {
  key: number;
  attributes: Set<string>;
  points: number;
  lastAt: number;
}

/** Keeps the rows of metrics, their series and points. */
export class MetricTable {
  readonly #statements: Statements;
  readonly #metrics = new Map<string, KnownMetric>();
  readonly #series = new Map<string, number>();
  /** With points since the last `settle`. */
  readonly #touched = new Set<KnownMetric>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The number of a series; one that is new gets a row. */
  seriesKey(metric: MetricDefinition, series: SeriesDefinition, place: TelemetryPlace): number {
    return this.#seriesOf(this.#metricOf(metric, place.org, place.origin === ORIGIN.host), series, place);
  }

  /** Series of one of the daemon's own metrics, of what one kind of sender told. */
  countSeries(metric: MetricDefinition, { org, origin }: TelemetryPlace): number {
    const { key } = this.#metricOf(metric, org, true);
    const row = this.#statements.get<{ count: number }>(
      "SELECT count(*) AS count FROM metric_series WHERE metric = ? AND origin = ?",
      ...[key, origin],
    );
    return row?.count ?? 0;
  }

  /** A point that is there already is left as it is: a sender that got no answer sends again. Times in Unix microseconds. */
  add(
    metric: MetricDefinition,
    series: SeriesDefinition,
    place: TelemetryPlace,
    point: { time: number; start: number; value: number | Distribution },
  ): void {
    const known = this.#metricOf(metric, place.org, place.origin === ORIGIN.host);
    const key = this.#seriesOf(known, series, place);
    const { time, start, value } = point;
    const isNumber = typeof value === "number";
    const added = this.#statements.run(
      "INSERT INTO points (series, time, start, value, distribution) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ...[key, time, start, isNumber ? value : null, isNumber ? null : JSON.stringify(value)],
    );
    if (added > 0) this.#count(known, 1, time);
  }

  /** Counts points of the daemon's own that were added to without `add`. */
  count(metric: MetricDefinition, { org }: TelemetryPlace, points: number, lastAt: number): void {
    this.#count(this.#metricOf(metric, org, true), points, lastAt);
  }

  /** At the end of a transaction: what lists show of the metrics. */
  settle(): void {
    for (const { key, attributes, points, lastAt } of this.#touched) {
      this.#statements.run(
        "UPDATE metrics SET attributes = ?, points = ?, last_at = ? WHERE key = ?",
        ...[JSON.stringify([...attributes].sort()), points, lastAt, key],
      );
    }
    this.#touched.clear();
  }

  /** After a transaction that was rolled back, or rows that were removed. */
  forget(): void {
    this.#metrics.clear();
    this.#series.clear();
    this.#touched.clear();
  }

  #count(metric: KnownMetric, points: number, lastAt: number): void {
    metric.points += points;
    metric.lastAt = Math.max(metric.lastAt, lastAt);
    this.#touched.add(metric);
  }

  #metricOf(metric: MetricDefinition, org: number, byHost: boolean): KnownMetric {
    const { name, type, isDelta, unit, description } = metric;
    const isHost = Number(byHost);
    const identity = `${org} ${isHost} ${type} ${isDelta} ${unit} ${name}`;
    const known = this.#metrics.get(identity);
    if (known !== undefined) return known;
    this.#statements.run(
      `INSERT INTO metrics (org, name, host, type, delta, unit, description) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ...[org, name, isHost, type, Number(isDelta), unit, description],
    );
    const row = this.#statements.get<{ key: number; attributes: string; points: number; last_at: number }>(
      `SELECT key, attributes, points, last_at FROM metrics
       WHERE org = ? AND name = ? AND host = ? AND type = ? AND delta = ? AND unit = ?`,
      ...[org, name, isHost, type, Number(isDelta), unit],
    );
    if (row === undefined) throw new Error("a metric that was put in is not there");
    const { key, points, last_at: lastAt } = row;
    const found = { key, points, lastAt, attributes: new Set(JSON.parse(row.attributes) as string[]) };
    if (this.#metrics.size >= MAX_KNOWN) this.#letGo();
    this.#metrics.set(identity, found);
    return found;
  }

  #seriesOf(metric: KnownMetric, series: SeriesDefinition, place: TelemetryPlace): number {
    const { resource, scope, attributes, resourceNames } = series;
    const { sandbox = null, run = null } = place;
    const origin = series.origin ?? place.origin;
    const json = JSON.stringify(attributes);
    const text = `${metric.key} ${origin} ${sandbox} ${run} ${resource} ${scope} ${json}`;
    const identity = hash("sha256", text, "base64url");
    const known = this.#series.get(identity);
    if (known !== undefined) return known;
    this.#statements.run(
      `INSERT INTO metric_series (metric, identity, origin, sandbox, run, resource, scope, attributes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[metric.key, identity, origin, sandbox, run, resource, scope, json],
    );
    const row = this.#statements.get<{ key: number }>(
      "SELECT key FROM metric_series WHERE identity = ?",
      identity,
    );
    if (row === undefined) throw new Error("a series that was put in is not there");
    for (const name of [...Object.keys(attributes), ...resourceNames]) {
      if (metric.attributes.size < MAX_ATTRIBUTES) metric.attributes.add(name);
    }
    if (this.#series.size >= MAX_KNOWN) this.#series.clear();
    this.#series.set(identity, row.key);
    return row.key;
  }

  #letGo(): void {
    this.settle();
    this.#metrics.clear();
  }
}
