import * as z from "zod";
import { METRIC_AGGREGATIONS } from "../metric-api.ts";
import { runId, sandboxId } from "./fields.ts";
import { queryAttribute, queryInteger, queryList, queryText, timeRange } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

const MAX_STEP_MS = 31 * 86_400_000;

const described = {
  name: z.string(),
  type: z.enum(["gauge", "counter", "histogram"]),
  unit: z.string(),
  description: z.string(),
};

export const MetricInfo = z.object({
  ...described,
  attributes: z.array(z.string()),
  points: z.number(),
  lastAt: z.string(),
});
export const MetricList = z.object({ items: z.array(MetricInfo) });

export const MetricSeriesList = z.object({
  ...described,
  aggregation: z.enum(METRIC_AGGREGATIONS),
  since: z.string(),
  until: z.string(),
  stepMs: z.number(),
  series: z.array(
    z.object({
      attributes: z.record(z.string(), z.string()),
      points: z.array(z.tuple([z.number(), z.number()])),
    }),
  ),
  omittedSeries: z.number(),
  isPartial: z.boolean(),
});
/** The list without a name, the series with one. */
export const MetricsAnswer = z.union([MetricList, MetricSeriesList]);

/** All but the name and the places is for the series of one metric. */
export const MetricsQuery = strictObject({
  name: queryText(255).optional(),
  /** Default: an hour before `until`, which is now. */
  ...timeRange,
  /** Default: such that there are about a hundred. */
  stepMs: queryInteger(1, MAX_STEP_MS, "milliseconds").optional(),
  /** Default: `avg` of a gauge, `rate` of a counter, `p95` of a histogram. */
  aggregation: z.enum(METRIC_AGGREGATIONS).optional(),
  /** Names of attributes, of the points or their resource; repeated, or with commas between. */
  groupBy: z
    .preprocess(
      (value) => (typeof value === "string" ? value.split(",").map((name) => name.trim()) : value),
      z.array(queryText(255)).max(8),
    )
    .optional(),
  /** Only series that have all of these attributes. */
  filter: queryList(queryAttribute, 20).optional(),
  sandboxId: sandboxId.optional(),
  runId: runId.optional(),
  /** Series in the answer. */
  limit: queryInteger(1, 500, "series").default(100),
});
export type MetricsQuery = z.output<typeof MetricsQuery>;
