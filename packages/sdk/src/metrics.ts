import type { MetricAggregation, MetricInfo, MetricList, MetricSeriesList } from "@sandglass/protocol";
import type { TimeRange } from "./traces.ts";
import type { Tracing } from "./tracing.ts";
import type { Transport } from "./transport/transport.ts";

/** By default from an hour before `until`, which is now. */
export interface MetricSeriesOptions extends TimeRange {
  /** Of each point; longer where there would be more than 1500. Default: such that there are about a hundred. */
  stepMs?: number;
  /** How the points of a step become one. Default: `avg` of a gauge, `rate` of a counter, `p95` of a histogram. */
  aggregation?: MetricAggregation;
  /** Names of attributes, at most 8: a series for each of their values. Default: one series. */
  groupBy?: string | readonly string[];
  /** `name=value` of an attribute; of several, all. */
  filter?: string | readonly string[];
  /** Only what this sandbox, or this run, says. */
  sandboxId?: string;
  runId?: string;
  /** Series in the answer, 1 to 500. Default 100. */
  limit?: number;
  signal?: AbortSignal;
}

/** What sandboxes, agents and the daemon measured. */
export class Metrics {
  readonly #transport: Transport;
  readonly #tracing: Tracing;

  /** Reached as `client.metrics`. */
  constructor(transport: Transport, tracing: Tracing) {
    this.#transport = transport;
    this.#tracing = tracing;
  }

  /** The metrics that there are, in the order of their names, with what each can be grouped by; at most 2000. */
  async names(options: { signal?: AbortSignal } = {}): Promise<MetricInfo[]> {
    const call = { route: "queryMetrics", signal: options.signal, tracing: this.#tracing } as const;
    return (await this.#transport.json<MetricList>(call)).value.items;
  }

  /**
   * One metric over time; no series where nothing of that name is stored.
   *
   * @example
   * const { series } = await client.metrics.series("sandglass.exec.duration", { aggregation: "p95", groupBy: "sandglass.cause" });
   */
  async series(name: string, options: MetricSeriesOptions = {}): Promise<MetricSeriesList> {
    const { signal, ...query } = options;
    const call = {
      route: "queryMetrics",
      query: { ...query, name },
      signal,
      tracing: this.#tracing,
    } as const;
    return (await this.#transport.json<MetricSeriesList>(call)).value;
  }
}
