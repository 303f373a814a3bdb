import type { MetricType } from "@sandglass/protocol";
import { SAMPLE_METRICS, type Sample, type SampleMetric } from "@sandglass/telemetry/reading";
import type { Statements } from "../../statements.ts";
import { Conditions } from "../conditions.ts";
import {
  MAX_SERIES_READ,
  type MetricSource,
  matches,
  type SeriesWanted,
  type SourcePoint,
  type SourceSeries,
} from "./metric-source.ts";

const BY_NAME = new Map(SAMPLE_METRICS.map((metric) => [metric.name, metric]));

/** Of a metric that samples of sandboxes tell. */
export function sampleType({ kind }: SampleMetric): MetricType {
  return kind === "counter" ? "counter" : "gauge";
}

interface SandboxRow {
  key: number;
  id: string;
  template: string;
  run_id: string | null;
  created_at: number;
}

/** A metric of what sandboxes used: a series for each that was sampled in that time. Undefined where the name is none of them. */
export function sampleMetric(statements: Statements, wanted: SeriesWanted): MetricSource | undefined {
  const metric = BY_NAME.get(wanted.name);
  if (metric === undefined) return undefined;
  const conditions = new Conditions()
    .org(wanted.orgId)
    .add("key = (SELECT key FROM sandboxes AS named WHERE named.id = ?)", wanted.sandboxId)
    .about({ orgId: wanted.orgId, runId: wanted.runId })
    .add("created_at < ?", wanted.until)
    .add("(ended_at IS NULL OR ended_at >= ?)", wanted.since);
  const found = statements.all<SandboxRow>(
    `SELECT key, id, template, created_at, (SELECT runs.id FROM runs WHERE runs.key = run) AS run_id
     FROM sandboxes WHERE ${conditions.text} ORDER BY created_at DESC LIMIT ?`,
    ...[...conditions.values, MAX_SERIES_READ + 1],
  );
  const series = found.slice(0, MAX_SERIES_READ).flatMap((row): SourceSeries[] => {
    const attributes = {
      "sandglass.sandbox.id": row.id,
      "sandglass.template.id": row.template,
      ...(row.run_id !== null && { "sandglass.run.id": row.run_id }),
    };
    if (!matches(attributes, wanted.filter)) return [];
    return [{ attributes, isDelta: false, ...pointsOf(statements, row, metric) }];
  });
  const { unit } = metric;
  const isCut = found.length > MAX_SERIES_READ;
  return { type: sampleType(metric), unit, description: "", series, isCut };
}

function pointsOf(
  statements: Statements,
  sandbox: SandboxRow,
  metric: SampleMetric,
): Pick<SourceSeries, "read" | "before"> {
  const select = `SELECT time, ${fieldsOf(metric).join()} FROM samples WHERE sandbox = ?`;
  const toPoint = ({ time, ...fields }: { time: number }): SourcePoint | undefined => {
    // Columns without a value are fields that the sample does not have.
    const known = Object.entries<unknown>(fields).filter(([, value]) => value !== null);
    const sample = known.map(([name, value]) => [
      name,
      typeof value === "string" ? JSON.parse(value) : value,
    ]);
    const value = metric.read(Object.fromEntries(sample) as Sample);
    return value === undefined ? undefined : { time, start: sandbox.created_at, value };
  };
  return {
    *read(since, until, limit) {
      const sql = `${select} AND time >= ? AND time < ? ORDER BY time LIMIT ?`;
      for (const row of statements.each<{ time: number }>(sql, sandbox.key, since, until, limit)) {
        const point = toPoint(row);
        if (point !== undefined) yield point;
      }
    },
    before(time) {
      const sql = `${select} AND time < ? ORDER BY time DESC LIMIT 1`;
      const row = statements.get<{ time: number }>(sql, sandbox.key, time);
      return row && toPoint(row);
    },
  };
}

/** What it reads of a sample. */
function fieldsOf({ read }: SampleMetric): string[] {
  const fields = new Set<string>();
  const asked = {
    get(_: object, name: string): number {
      fields.add(name);
      return 1;
    },
  };
  read(new Proxy({} as Sample, asked as ProxyHandler<Sample>));
  return [...fields];
}
