import {
  type ExporterOptions,
  type ExporterOwner,
  type OtelMetricsLine,
  openOtelMetrics,
} from "@sandglass/telemetry";
import type { LoadedConfig } from "../config.ts";
import type { Family } from "./family.ts";
import type { ReaderMetrics } from "./reader-metrics.ts";
import { SelfMetricsExporter } from "./self-metrics-exporter.ts";

/** What the exporters of events are, at one moment. */
export interface ConfiguredExporter {
  readonly id: string;
  readonly options: ExporterOptions;
  readonly owner: ExporterOwner;
}

export interface SelfMetricsParts {
  /** In force now. */
  loaded(): LoadedConfig;
  collect(): readonly Family[];
  readonly readers: ReaderMetrics;
  /** Where this daemon is reached: nothing is sent there. */
  readonly ownOrigins: readonly string[];
  onProblem(message: string, error?: unknown): void;
}

interface Running {
  /** What it was opened for, to tell whether that has changed. */
  readonly config: object | undefined;
  readonly exporter: SelfMetricsExporter;
  readonly line: OtelMetricsLine;
}

/** Sends the daemon's own metrics along where the operator's `otel` exporters send theirs. */
export class SelfMetrics {
  readonly #parts: SelfMetricsParts;
  readonly #running = new Map<string, Running>();

  constructor(parts: SelfMetricsParts) {
    this.#parts = parts;
  }

  /** Follows a change of the exporters. They are the operator's: what a tenant adds gets nothing of the daemon's. */
  async follow(exporters: readonly ConfiguredExporter[]): Promise<void> {
    const { selfMetrics } = this.#parts.loaded().config;
    const wanted = new Map(
      exporters
        .filter(({ options, owner }) => selfMetrics && options.provider === "otel" && owner.isTrusted)
        .map((exporter) => [exporter.id, exporter]),
    );
    for (const [id, running] of this.#running) {
      if (wanted.get(id)?.options.config === running.config) wanted.delete(id);
      else await this.#end(id, running, 0);
    }
    for (const [id, { options }] of wanted) await this.#begin(id, options.config);
  }

  /** Sends a last time. */
  async close(deadlineMs: number): Promise<void> {
    await Promise.all([...this.#running].map(([id, running]) => this.#end(id, running, deadlineMs)));
  }

  async #begin(id: string, config: object | undefined): Promise<void> {
    const { loaded, collect, readers, ownOrigins, onProblem } = this.#parts;
    const { env, cwd, config: settings } = loaded();
    try {
      const line = await openOtelMetrics(config ?? {}, { env, cwd, isTrusted: true, ownOrigins });
      if (line === undefined) return;
      const { service, scope, temporality, componentType } = line;
      const exporter = new SelfMetricsExporter({
        collect,
        readers,
        component: { type: componentType, name: id },
        resource: service,
        scope,
        temporality,
        encode: line.encode,
        post: line.post,
        intervalMs: settings.metricsIntervalMs,
        onProblem: (message) => onProblem(`the daemon's own metrics (${id}): ${message}`),
      });
      this.#running.set(id, { config, exporter, line });
      exporter.start();
    } catch (error) {
      onProblem(`the daemon's own metrics are not sent to the exporter ${id}`, error);
    }
  }

  async #end(id: string, { exporter, line }: Running, deadlineMs: number): Promise<void> {
    this.#running.delete(id);
    await exporter.close(deadlineMs);
    line.close();
  }
}
