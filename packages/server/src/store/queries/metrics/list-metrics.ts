import type { MetricInfo, MetricList } from "@sandglass/protocol";
import { SAMPLE_METRICS } from "@sandglass/telemetry/reading";
import type { Statements } from "../../statements.ts";
import { timestampOf } from "../../stored-event.ts";
import { sampleType } from "./sample-metric.ts";
import { TYPE_NAMES } from "./stored-metric.ts";

const MAX_METRICS = 2_000;
const SAMPLE_ATTRIBUTES = ["sandglass.run.id", "sandglass.sandbox.id", "sandglass.template.id"];

interface MetricRow {
  name: string;
  type: number;
  unit: string;
  description: string;
  attributes: string;
  points: number;
  last_at: number;
}

/** All metrics there are, in the order of their names. Of several that share one: the one that its series come from. */
export function listMetrics(statements: Statements, { orgId }: { orgId: string }): MetricList {
  const found = new Map<string, MetricInfo>();
  for (const metric of sampled(statements, orgId)) found.set(metric.name, metric);
  const rows = statements.all<MetricRow>(
    `SELECT name, type, unit, description, attributes, points, last_at FROM metrics
     WHERE org = (SELECT key FROM orgs WHERE id = ?) AND points > 0 ORDER BY host DESC, last_at DESC LIMIT ?`,
    ...[orgId, MAX_METRICS],
  );
  for (const { name, type, unit, description, attributes, points, last_at } of rows) {
    if (found.has(name)) continue;
    found.set(name, {
      name,
      type: TYPE_NAMES[type] ?? "gauge",
      unit,
      description,
      attributes: JSON.parse(attributes) as string[],
      points,
      lastAt: timestampOf(last_at),
    });
  }
  const items = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { items: items.slice(0, MAX_METRICS) };
}

function sampled(statements: Statements, orgId: string): MetricInfo[] {
  const row = statements.get<{ points: number; last_at: number | null }>(
    "SELECT count(*) AS points, max(time) AS last_at FROM samples WHERE org = (SELECT key FROM orgs WHERE id = ?)",
    orgId,
  );
  if (row === undefined || row.last_at === null) return [];
  const { points } = row;
  const lastAt = timestampOf(row.last_at);
  return SAMPLE_METRICS.map((metric) => ({
    name: metric.name,
    type: sampleType(metric),
    unit: metric.unit,
    description: "",
    attributes: SAMPLE_ATTRIBUTES,
    points,
    lastAt,
  }));
}
