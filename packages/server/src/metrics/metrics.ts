import type { RuntimeEvent } from "@sandglass/protocol";
import type { RuntimeApi } from "@sandglass/runtime";
import type { Recorder } from "@sandglass/telemetry";
import type { LoadedConfig } from "../config.ts";
import type { Observability } from "../exporters/observability.ts";
import { collectorFamilies } from "./collector-metrics.ts";
import type { CollectorStatsSource } from "./collector-stats.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";
import { EventMetrics } from "./event-metrics.ts";
import { exporterFamilies } from "./exporter-metrics.ts";
import { renderText, type TextFormat } from "./exposition.ts";
import { counter, type Family, one } from "./family.ts";
import { logFamilies } from "./log-metrics.ts";
import { processFamilies } from "./process-metrics.ts";
import { ReaderMetrics } from "./reader-metrics.ts";
import { sendingFamilies } from "./sending-metrics.ts";
import { type StatusStats, statusFamilies } from "./status-metrics.ts";
import { type StoreStats, storeFamilies } from "./store-metrics.ts";
import { workFamilies } from "./work-metrics.ts";

const SCRAPE = {
  type: "prometheus_http_text_metric_exporter",
  name: "prometheus_http_text_metric_exporter/0",
};

/** Where is found what is not counted from events. */
export interface MetricSources {
  runtime: Pick<RuntimeApi, "stats">;
  recorder: Pick<Recorder, "stats">;
  observability: Pick<Observability, "list">;
  loaded: Pick<LoadedConfig, "config">;
  /** Absent where no collector is run. */
  collector?: CollectorStatsSource | undefined;
  /** Absent where it is switched off. */
  store?: { state(): StoreStats } | undefined;
  /** Absent where there is no status page. */
  status?: { stats(): StatusStats } | undefined;
}

/**
 * The daemon's metrics: counters are projections of events, the rest is asked for when somebody looks. There is one source,
 * {@link Metrics.collect}, and two ways to say it: text for scrapers, and OTLP (`SelfMetricsExporter`). Neither emits events.
 */
export class Metrics {
  /** For whoever reads these metrics to say what that took. */
  readonly readers = new ReaderMetrics();
  readonly #events = new EventMetrics();
  readonly #loopDelay = new EventLoopDelay();
  readonly #readDroppedLines: () => number;
  #lostEvents = 0;

  /** @param readDroppedLines log lines that a full stdout has cost so far */
  constructor(readDroppedLines: () => number) {
    this.#readDroppedLines = readDroppedLines;
  }

  /** Takes one event of the record. */
  count(event: RuntimeEvent): void {
    this.#events.count(event);
  }

  /** An event that the log did not take, and that nobody waited for. */
  countLostEvent(): void {
    this.#lostEvents++;
  }

  /** All metrics as they are now, each name once. @param sources asked for what is true at this moment */
  collect(sources: MetricSources): Family[] {
    const { runtime, recorder, observability, loaded, collector, store, status } = sources;
    const { retention } = loaded.config;
    const log = recorder.stats();
    const exporters = observability.list();
    const received = collector && {
      stats: collector.snapshot(),
      maxBytes: loaded.config.collector.maxBytes,
    };
    return [
      ...workFamilies(runtime.stats()),
      ...this.#events.families(),
      ...logFamilies(log, retention.maxBytes),
      ...(store === undefined ? [] : storeFamilies(store.state(), loaded.config.store.maxBytes)),
      counter(
        "sandglass.events_lost",
        "{event}",
        "Events that the log did not take; healthy is 0.",
        one(this.#lostEvents),
      ),
      counter(
        "sandglass.log_lines_dropped",
        "{line}",
        "Lines that a full stdout has cost; healthy is 0.",
        one(this.#readDroppedLines()),
      ),
      ...exporterFamilies(exporters, log),
      ...sendingFamilies({ exporters, log: { ...log, maxBytes: retention.maxBytes }, collector: received }),
      ...(received === undefined ? [] : collectorFamilies(received.stats, received.maxBytes)),
      ...(status === undefined ? [] : statusFamilies(status.stats())),
      ...this.#loopDelay.families(),
      ...processFamilies(),
      ...this.readers.families(),
    ];
  }

  /** As text for a scraper. */
  render(sources: MetricSources, format: TextFormat): string {
    const startedAt = performance.now();
    const text = renderText(this.collect(sources), format);
    this.readers.collected(SCRAPE, performance.now() - startedAt);
    return text;
  }

  close(): void {
    this.#loopDelay.close();
  }
}
