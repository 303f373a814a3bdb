import { monitorEventLoopDelay } from "node:perf_hooks";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { RuntimeApi } from "@sandglass/runtime";
import type { Recorder } from "@sandglass/telemetry";
import type { Observability } from "../exporters/observability.ts";
import { VERSION } from "../version.ts";
import { exporterFamilies } from "./exporter-metrics.ts";
import { type Family, renderFamilies, type Sample } from "./exposition.ts";
import { Counter, Histogram } from "./instruments.ts";

/** Seconds. From an answer out of memory to a long exec's stream. */
const REQUEST_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const NANOSECONDS = 1e9;

/** Where a scrape finds what is not counted from events. */
interface MetricSources {
  runtime: Pick<RuntimeApi, "stats">;
  recorder: Pick<Recorder, "stats">;
  observability: Pick<Observability, "list">;
}

/** What the daemon says to Prometheus: counters are projections of events, the rest is asked for at the scrape. */
export class Metrics {
  readonly #execs = new Counter();
  readonly #sandboxes = new Counter();
  readonly #requests = new Counter();
  readonly #durations = new Histogram(REQUEST_BOUNDS);
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  #lostEvents = 0;
  readonly #readDroppedLines: () => number;

  /** @param readDroppedLines log lines that a full stdout has cost so far */
  constructor(readDroppedLines: () => number) {
    this.#readDroppedLines = readDroppedLines;
    this.#loopDelay.enable();
  }

  /** Takes one event of the record. */
  count(event: RuntimeEvent): void {
    if (event.type === "exec.completed") this.#execs.add({ cause: event.data.cause });
    else if (event.type === "sandbox.terminated") this.#sandboxes.add({ cause: event.data.cause });
    else if (event.type === "http.request") {
      const { method, route, status, durationMs } = event.data;
      this.#requests.add({ method, route, status: String(status) });
      this.#durations.observe({ route }, durationMs / 1000);
    }
  }

  /** An event that the log did not take, and that nobody waited for. */
  countLostEvent(): void {
    this.#lostEvents++;
  }

  /** @param sources asked for what is true at this moment */
  render(sources: MetricSources): string {
    const { runtime, recorder, observability } = sources;
    return renderFamilies([
      ...this.#work(runtime.stats()),
      ...this.#requestsServed(),
      ...this.#log(recorder.stats()),
      ...exporterFamilies(observability.list()),
      ...this.#process(),
    ]);
  }

  close(): void {
    this.#loopDelay.disable();
  }

  #work({ pool, sandboxes, runningExecs }: ReturnType<RuntimeApi["stats"]>): Family[] {
    const perTemplate = (read: (of: (typeof pool)[string]) => number): Sample[] =>
      Object.entries(pool).map(([template, of]) => ({ labels: { template }, value: read(of) }));
    const states = Object.entries(sandboxes).map(([state, value]) => ({ labels: { state }, value }));
    return [
      gauge("sandglass_sandboxes", "Sandboxes by state.", states),
      counter(
        "sandglass_sandboxes_terminated_total",
        "Sandboxes that ended, by cause.",
        this.#sandboxes.samples(),
      ),
      gauge("sandglass_running_execs", "Execs that run or wait for their context.", one(runningExecs)),
      counter("sandglass_execs_total", "Execs that ended, by cause.", this.#execs.samples()),
      gauge(
        "sandglass_pool_ready",
        "Sandboxes that wait in the pool.",
        perTemplate(({ ready }) => ready),
      ),
      gauge(
        "sandglass_pool_target",
        "Sandboxes that should wait in the pool.",
        perTemplate(({ target }) => target),
      ),
      counter(
        "sandglass_pool_hits_total",
        "Creates served from the pool.",
        perTemplate(({ hits }) => hits),
      ),
      counter(
        "sandglass_pool_misses_total",
        "Creates that found the pool empty.",
        perTemplate(({ misses }) => misses),
      ),
    ];
  }

  #requestsServed(): Family[] {
    return [
      counter("sandglass_http_requests_total", "Requests by route and status.", this.#requests.samples()),
      {
        name: "sandglass_http_request_duration_seconds",
        help: "Time from a request's arrival to the end of its answer.",
        type: "histogram",
        samples: this.#durations.samples(),
      },
    ];
  }

  #log(stats: ReturnType<Recorder["stats"]>): Family[] {
    const perReader = (read: (of: (typeof stats.readers)[number]) => number): Sample[] =>
      stats.readers.map((of) => ({ labels: { reader: of.name }, value: read(of) }));
    return [
      counter("sandglass_log_appended_total", "Events appended since the start.", one(stats.appended)),
      counter(
        "sandglass_log_appended_bytes_total",
        "Bytes appended since the start.",
        one(stats.appendedBytes),
      ),
      gauge("sandglass_log_bytes", "Size of the event log on disk.", one(stats.bytes)),
      gauge("sandglass_log_last_position", "Position of the newest event.", one(stats.lastPosition)),
      gauge(
        "sandglass_log_oldest_position",
        "Position of the oldest event that is kept.",
        one(stats.oldestPosition),
      ),
      gauge(
        "sandglass_log_reader_lag_events",
        "Events a reader has yet to commit.",
        perReader(({ lag }) => lag),
      ),
      counter(
        "sandglass_log_reader_gap_events_total",
        "Events a reader has missed; healthy is 0.",
        perReader(({ gapRecords }) => gapRecords),
      ),
      counter("sandglass_log_errors_total", "What went wrong in the log; healthy is 0.", [
        { labels: { kind: "write" }, value: stats.writeErrors },
        { labels: { kind: "sync" }, value: stats.syncErrors },
        { labels: { kind: "corrupt" }, value: stats.corruptRecords },
        { labels: { kind: "checkpoint" }, value: stats.checkpointErrors },
        { labels: { kind: "subscriber" }, value: stats.subscriberErrors },
      ]),
      counter(
        "sandglass_events_lost_total",
        "Events that the log did not take; healthy is 0.",
        one(this.#lostEvents),
      ),
      counter(
        "sandglass_log_lines_dropped_total",
        "Lines that a full stdout has cost; healthy is 0.",
        one(this.#readDroppedLines()),
      ),
    ];
  }

  #process(): Family[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const delay = this.#loopDelay;
    const quantiles = [50, 99].map((percent) => ({
      labels: { quantile: String(percent / 100) },
      value: delay.percentile(percent) / NANOSECONDS,
    }));
    return [
      gauge("sandglass_build_info", "Version of the daemon.", [{ labels: { version: VERSION }, value: 1 }]),
      gauge(
        "sandglass_event_loop_delay_seconds",
        "How late the event loop comes to things, since the start.",
        quantiles,
      ),
      counter("process_cpu_seconds_total", "Processor time, user and system.", one((user + system) / 1e6)),
      gauge("process_resident_memory_bytes", "Resident memory.", one(rss)),
      gauge("process_start_time_seconds", "Unix time of the start.", one(performance.timeOrigin / 1000)),
      gauge("nodejs_heap_used_bytes", "JavaScript heap in use.", one(heapUsed)),
    ];
  }
}

function one(value: number): Sample[] {
  return [{ value }];
}
function gauge(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, help, type: "gauge", samples };
}
function counter(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, help, type: "counter", samples };
}
