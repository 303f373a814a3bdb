import type { MetricType } from "@sandglass/protocol";
import type { Distribution } from "../../metrics/distribution.ts";
import { METRIC_TYPE } from "../../metrics/metric-table.ts";
import { ROLLUP_MICROS } from "../../metrics/open-points.ts";
import type { Statements } from "../../statements.ts";
import { Conditions } from "../conditions.ts";
import {
  MAX_SERIES_READ,
  type MetricSource,
  matches,
  type SeriesWanted,
  type SourcePoint,
  type SourceSeries,
  textOf,
} from "./metric-source.ts";

export const TYPE_NAMES = Object.keys(METRIC_TYPE) as MetricType[];

interface MetricRow {
  key: number;
  host: number;
  type: number;
  delta: number;
  unit: string;
  description: string;
}

interface SeriesRow {
  key: number;
  metric: number;
  attributes: string;
  resource: string | null;
  sandbox_id: string | null;
  template: string | null;
  run_id: string | null;
}

/**
 * A metric whose points were sent or derived. Of several of one name that cannot be added up (another type or unit) it is the one
 * that was told of last; what the host itself tells goes before, so that nobody can pass for it.
 */
export function storedMetric(statements: Statements, wanted: SeriesWanted): MetricSource | undefined {
  const rows = statements.all<MetricRow>(
    `SELECT key, host, type, delta, unit, description FROM metrics
     WHERE org = (SELECT key FROM orgs WHERE id = ?) AND name = ? ORDER BY host DESC, last_at DESC`,
    ...[wanted.orgId, wanted.name],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const same = rows.filter(
    ({ host, type, unit }) => host === first.host && type === first.type && unit === first.unit,
  );
  const conditions = new Conditions()
    .about(wanted)
    .add("metric IN (SELECT value FROM json_each(?))", JSON.stringify(same.map(({ key }) => key)));
  const found = statements.all<SeriesRow>(
    `SELECT metric_series.key, metric, metric_series.attributes, origins.json AS resource,
       sandboxes.id AS sandbox_id, sandboxes.template, runs.id AS run_id
     FROM (SELECT * FROM metric_series WHERE ${conditions.text} ORDER BY key DESC LIMIT ?) AS metric_series
       LEFT JOIN origins ON origins.key = metric_series.resource
       LEFT JOIN sandboxes ON sandboxes.key = metric_series.sandbox
       LEFT JOIN runs ON runs.key = metric_series.run`,
    ...[...conditions.values, MAX_SERIES_READ + 1],
  );
  const isRolledUp = first.host === 1 && wanted.stepMicros % ROLLUP_MICROS === 0;
  const deltas = new Set(same.filter(({ delta }) => delta === 1).map(({ key }) => key));
  const series = found.slice(0, MAX_SERIES_READ).flatMap((row): SourceSeries[] => {
    const attributes = attributesOf(row);
    if (!matches(attributes, wanted.filter)) return [];
    return [{ attributes, isDelta: deltas.has(row.metric), ...pointsOf(statements, row.key, isRolledUp) }];
  });
  const { unit, description } = first;
  const type = TYPE_NAMES[first.type] ?? "gauge";
  return { type, unit, description, series, isCut: found.length > MAX_SERIES_READ };
}

/** Its own before those of its resource; who it is about is the host's to say. */
function attributesOf(row: SeriesRow): Record<string, string> {
  const resource = row.resource === null ? {} : (JSON.parse(row.resource) as Record<string, unknown>);
  const all: Record<string, unknown> = { ...resource, ...(JSON.parse(row.attributes) as object) };
  if (row.sandbox_id !== null) {
    all["sandglass.sandbox.id"] = row.sandbox_id;
    all["sandglass.template.id"] = row.template;
  }
  if (row.run_id !== null) all["sandglass.run.id"] = row.run_id;
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, textOf(value)]));
}

interface PointRow {
  time: number;
  start: number;
  value: number | null;
  distribution: string | null;
}

const POINTS = "SELECT time, start, value, distribution FROM points WHERE series = ?";
const ROLLUPS = `SELECT time, distribution FROM rollups WHERE series = ?
  AND time >= ? AND time < ? ORDER BY time LIMIT ?`;

/** @param isRolledUp whether the quarters of an hour will do where they are whole */
function pointsOf(
  statements: Statements,
  series: number,
  isRolledUp: boolean,
): Pick<SourceSeries, "read" | "before"> {
  function* points(since: number, until: number, limit: number): Generator<SourcePoint> {
    const sql = `${POINTS} AND time >= ? AND time < ? ORDER BY time LIMIT ?`;
    for (const row of statements.each<PointRow>(sql, series, since, until, limit)) yield toPoint(row);
  }
  function* rollups(since: number, until: number, limit: number): Generator<SourcePoint> {
    const rows = statements.each<{ time: number; distribution: string }>(
      ROLLUPS,
      series,
      since,
      until,
      limit,
    );
    for (const { time, distribution } of rows) {
      yield { time, start: time, value: 0, distribution: JSON.parse(distribution) as Distribution };
    }
  }
  return {
    *read(since, until, limit) {
      const first = Math.ceil(since / ROLLUP_MICROS) * ROLLUP_MICROS;
      const last = Math.floor(until / ROLLUP_MICROS) * ROLLUP_MICROS;
      if (!isRolledUp || last <= first) return yield* points(since, until, limit);
      if (since < first) yield* points(since, first, limit);
      yield* rollups(first, last, limit);
      if (last < until) yield* points(last, until, limit);
    },
    before(time) {
      const row = statements.get<PointRow>(`${POINTS} AND time < ? ORDER BY time DESC LIMIT 1`, series, time);
      return row && toPoint(row);
    },
  };
}

function toPoint({ time, start, value, distribution }: PointRow): SourcePoint {
  return {
    time,
    start,
    value: value ?? 0,
    distribution: distribution === null ? undefined : (JSON.parse(distribution) as Distribution),
  };
}
