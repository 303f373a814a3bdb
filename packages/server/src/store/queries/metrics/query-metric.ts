import type { MetricAggregation, MetricSeries, MetricSeriesList, MetricType } from "@sandglass/protocol";
import type { Statements } from "../../statements.ts";
import { microsOf, timestampOf } from "../../stored-event.ts";
import { aggregate } from "./aggregate.ts";
import { addDeltas, type Cell, cellsOf, type Steps } from "./cells.ts";
import type { MetricSource } from "./metric-source.ts";
import { sampleMetric } from "./sample-metric.ts";
import { storedMetric } from "./stored-metric.ts";

/** Points that are read for one answer. */
const MAX_POINTS_READ = 1_000_000;
const MAX_STEPS = 1_500;
const DEFAULT_RANGE_MS = 3_600_000;
/** Steps that look like steps. */
const NICE_STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
].map((seconds) => seconds * 1000);
const DEFAULT_AGGREGATION = {
  gauge: "avg",
  counter: "rate",
  histogram: "p95",
} as const satisfies Record<MetricType, MetricAggregation>;

export interface QueryMetric {
  orgId: string;
  name: string;
  since?: string | undefined;
  until?: string | undefined;
  stepMs?: number | undefined;
  aggregation?: MetricAggregation | undefined;
  groupBy?: readonly string[] | undefined;
  filter?: readonly string[] | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  limit: number;
}

interface Group {
  attributes: Record<string, string>;
  byStep: Map<number, Cell[]>;
}

const NOTHING: MetricSource = { type: "gauge", unit: "", description: "", series: [], isCut: false };

/** The series of one metric over time; of one that nothing is known of, none. */
export function queryMetric(statements: Statements, query: QueryMetric): MetricSeriesList {
  const { name, groupBy = [], limit } = query;
  const steps = stepsOf(query);
  const wanted = { ...query, ...steps, filter: query.filter ?? [] };
  const source = sampleMetric(statements, wanted) ?? storedMetric(statements, wanted) ?? NOTHING;
  const budget = { left: MAX_POINTS_READ };
  const groups = new Map<string, Group>();
  const areDeltas = source.type === "histogram" && source.series.every(({ isDelta }) => isDelta);
  for (const series of source.series) {
    if (budget.left === 0) break;
    const group = groupOf(groups, groupBy, series.attributes);
    if (areDeltas) addDeltas(series, steps, budget, group.byStep);
    else collect(group, cellsOf(series, source.type, steps, budget));
  }
  const aggregation = query.aggregation ?? DEFAULT_AGGREGATION[source.type];
  const stepSeconds = steps.stepMicros / 1e6;
  const all = [...groups.values()]
    .map(({ attributes, byStep }): MetricSeries => {
      const points: [number, number][] = [];
      for (const [step, cells] of [...byStep].sort(([a], [b]) => a - b)) {
        const value = aggregate(cells, source.type, aggregation, stepSeconds);
        if (value !== undefined && Number.isFinite(value)) points.push([step / 1000, value]);
      }
      return { attributes, points };
    })
    .filter(({ points }) => points.length > 0)
    .sort((a, b) => b.points.length - a.points.length || compare(a.attributes, b.attributes));
  return {
    name,
    type: source.type,
    unit: source.unit,
    description: source.description,
    aggregation,
    since: timestampOf(steps.since),
    until: timestampOf(steps.until),
    stepMs: steps.stepMicros / 1000,
    series: all.slice(0, limit),
    omittedSeries: Math.max(0, all.length - limit),
    isPartial: source.isCut || budget.left === 0,
  };
}

function stepsOf(query: QueryMetric): Steps {
  const until = query.until === undefined ? Date.now() * 1000 : microsOf(query.until);
  const since = query.since === undefined ? until - DEFAULT_RANGE_MS * 1000 : microsOf(query.since);
  const rangeMs = Math.max(0, until - since) / 1000;
  const nice = (atLeast: number): number =>
    NICE_STEPS_MS.find((step) => step >= atLeast) ?? Math.ceil(atLeast / 86_400_000) * 86_400_000;
  const asked = query.stepMs ?? nice(rangeMs / 120);
  const stepMs = rangeMs / asked <= MAX_STEPS ? asked : Math.max(asked, nice(rangeMs / MAX_STEPS));
  return { since, until, stepMicros: stepMs * 1000 };
}

function groupOf(
  groups: Map<string, Group>,
  groupBy: readonly string[],
  attributes: Record<string, string>,
): Group {
  const own = groupBy.map(
    (name) => [name, Object.hasOwn(attributes, name) ? (attributes[name] as string) : ""] as const,
  );
  const key = JSON.stringify(own);
  let group = groups.get(key);
  if (group === undefined) {
    group = { attributes: Object.fromEntries(own), byStep: new Map() };
    groups.set(key, group);
  }
  return group;
}

function collect({ byStep }: Group, cells: Map<number, Cell>): void {
  for (const [step, cell] of cells) {
    const known = byStep.get(step);
    if (known === undefined) byStep.set(step, [cell]);
    else known.push(cell);
  }
}

function compare(a: Record<string, string>, b: Record<string, string>): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
