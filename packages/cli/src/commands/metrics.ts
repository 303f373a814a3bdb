import { Command, Option } from "commander";
import type { MetricAggregation, MetricSeriesOptions } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { collectList, parseDuration, parsePositive } from "../option-values.ts";
import { metricSeries, metricTable } from "../print/metric-table.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

const AGGREGATIONS = [
  "avg",
  "sum",
  "min",
  "max",
  "count",
  "rate",
  "last",
  "p50",
  "p90",
  "p95",
  "p99",
] as const satisfies readonly MetricAggregation[];

interface MetricsOptions extends ConnectionOptions {
  last?: number;
  since?: string;
  until?: string;
  step?: number;
  aggregation?: MetricAggregation;
  groupBy?: string[];
  filter?: string[];
  sandbox?: string;
  run?: string;
  limit: number;
}

/** `sandglass metrics [NAME]`: what was measured, as a list or one of them over time. */
export function metricsCommand(terminal: Terminal): Command {
  return withConnection(new Command("metrics").summary("list metrics, or show one over time"))
    .description(
      "Without a name: the metrics that there are. With one: its values over time, a series for each group.",
    )
    .argument("[name]", "of a metric")
    .option("--last <duration>", "as far back, e.g. 15m or 1d (default: 1h)", parseDuration)
    .addOption(new Option("--since <time>", "from then on, ISO 8601").conflicts("last"))
    .option("--until <time>", "before then, ISO 8601 (default: now)")
    .option("--step <duration>", "of each point (default: about a hundred points)", parseDuration)
    .addOption(
      new Option(
        "-a, --aggregation <how>",
        "how points of a step become one (default: avg of gauges, rate of counters, p95 of histograms)",
      ).choices(AGGREGATIONS),
    )
    .option("-g, --group-by <attribute>", "a series for each of its values; again for more", collectList)
    .option("-f, --filter <name=value>", "only where an attribute is this; again for more", collectOne)
    .option("--sandbox <id>", "only of this sandbox")
    .option("--run <id>", "only of this run")
    .option("-n, --limit <count>", "at most this many series, up to 500", parsePositive, 20)
    .addHelpText(
      "after",
      `
Examples:
  sandglass metrics
  sandglass metrics sandglass.exec.duration --last 1d --group-by sandglass.template.id
  sandglass metrics sandglass.sandbox.memory.usage --sandbox sbx_… -a max
  sandglass metrics http.server.request.duration -a count --json | jq '.series[].points'`,
    )
    .action(async (name: string | undefined, options: MetricsOptions) => {
      const { metrics } = clientOf(options);
      const signal = terminal.interruption;
      if (name === undefined) {
        const found = await metrics.names({ signal });
        return terminal.print(options.json ? printableJson(found, 2) : metricTable(found, terminal.colors));
      }
      const answer = await metrics.series(name, { ...queryOf(options), signal });
      if (options.json) return terminal.print(printableJson(answer, 2));
      if (answer.series.length === 0) {
        await terminal.note(`nothing was measured as ${JSON.stringify(name)} in that time`);
        return;
      }
      await terminal.print(metricSeries(answer, terminal.colors));
      const { omittedSeries } = answer;
      if (omittedSeries > 0) await terminal.note(`${omittedSeries} more series: use --limit, or --filter`);
      if (answer.isPartial)
        await terminal.note("there is more than one answer can tell of: ask for less time");
    });
}

function queryOf(options: MetricsOptions): MetricSeriesOptions {
  const { last, since, until, step, aggregation, groupBy, filter, sandbox, run, limit } = options;
  const end = until === undefined ? Date.now() : Date.parse(until);
  const from = last === undefined ? since : new Date(end - last).toISOString();
  return {
    limit,
    ...(from !== undefined && { since: from }),
    ...(until !== undefined && { until }),
    ...(step !== undefined && { stepMs: step }),
    ...(aggregation !== undefined && { aggregation }),
    ...(groupBy !== undefined && { groupBy }),
    ...(filter !== undefined && { filter }),
    ...(sandbox !== undefined && { sandboxId: sandbox }),
    ...(run !== undefined && { runId: run }),
  };
}

/** A value may have a comma in it. */
function collectOne(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}
