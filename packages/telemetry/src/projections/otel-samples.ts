import type { RuntimeEvent, RuntimeEventOf } from "@sandglass/protocol";
import {
  type KeyValue,
  type MetricsData,
  type NumberDataPoint,
  type OtlpMetric,
  type Scope,
  TEMPORALITY,
  type UnixNano,
} from "../otlp/model.ts";
import type { KnownSandboxes } from "./otel-memory.ts";
import type { Temporality } from "./otel-metrics.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { eventResource } from "./otel-resource.ts";
import { SAMPLE_METRICS } from "./otel-sample-metrics.ts";
import { microsOf, nanosOf } from "./otel-time.ts";

type SampleEvent = RuntimeEventOf<"resource.sample">;
type ResourceMetrics = NonNullable<MetricsData["resourceMetrics"]>[number];

/** What was told of a sandbox last: what a delta starts from. */
interface Told {
  readonly startNanos: UnixNano;
  readonly timeNanos: UnixNano;
  /** In the order of {@link SAMPLE_METRICS}. */
  readonly values: readonly (number | undefined)[];
}

const MAX_SANDBOXES = 10_000;

export function isSample(event: RuntimeEvent): event is SampleEvent {
  return event.type === "resource.sample";
}

/**
 * Samples as data points, one each, with the time of the sample and on a resource for each sandbox: `SAMPLE_METRICS` says which.
 * Nothing is summed up; what only grows is told by the temporality that is wanted.
 */
export class SampleProjection {
  readonly #temporality: Temporality;
  readonly #told = new RecentMap<Told>(MAX_SANDBOXES);

  constructor(temporality: Temporality) {
    this.#temporality = temporality;
  }

  /** @param events in the order of the log, each once @param service attributes of what sends */
  project(
    events: readonly SampleEvent[],
    { service, scope, memory }: { service: readonly KeyValue[]; scope: Scope; memory: KnownSandboxes },
  ): ResourceMetrics[] {
    const bySandbox = new Map<string, SampleEvent[]>();
    for (const event of events) {
      const key = `${event.sandboxId} ${event.orgId} ${event.runId}`;
      const own = bySandbox.get(key);
      if (own === undefined) bySandbox.set(key, [event]);
      else own.push(event);
    }
    return [...bySandbox.values()].map((own) => ({
      resource: { attributes: eventResource(own[0]!, service, memory) },
      scopeMetrics: [{ scope, metrics: this.#metricsOf(own) }],
    }));
  }

  #metricsOf(events: readonly SampleEvent[]): OtlpMetric[] {
    const points: NumberDataPoint[][] = SAMPLE_METRICS.map(() => []);
    for (const event of events) this.#addPoints(event, points);
    return SAMPLE_METRICS.flatMap(({ name, unit, kind }, index): OtlpMetric[] => {
      const dataPoints = points[index]!;
      if (dataPoints.length === 0) return [];
      if (kind === "gauge") return [{ name, unit, gauge: { dataPoints } }];
      const isDelta = kind === "counter" && this.#temporality === "delta";
      const aggregationTemporality = isDelta ? TEMPORALITY.DELTA : TEMPORALITY.CUMULATIVE;
      const isMonotonic = kind === "counter";
      return [{ name, unit, sum: { dataPoints, aggregationTemporality, isMonotonic } }];
    });
  }

  #addPoints({ sandboxId, timestamp, data }: SampleEvent, points: NumberDataPoint[][]): void {
    const micros = microsOf(timestamp);
    const timeNanos = nanosOf(micros);
    const before = this.#told.get(sandboxId);
    // The first that is known of a sandbox says when it began; that this stays the same tells one series from the next.
    const startNanos = before?.startNanos ?? nanosOf(micros - (data.uptimeMs ?? 0) * 1000);
    const values = SAMPLE_METRICS.map(({ read }) => read(data));
    for (const [index, { kind, isInteger }] of SAMPLE_METRICS.entries()) {
      let value = values[index];
      if (value === undefined) continue;
      let startTimeUnixNano = startNanos;
      if (kind === "counter" && this.#temporality === "delta") {
        const last = before?.values[index];
        // At its first sample nothing has been counted; that of one whose beginning was not seen belongs to what told of it.
        if (before === undefined || last === undefined || value < last) continue;
        value -= last;
        startTimeUnixNano = before.timeNanos;
      }
      const time =
        kind === "gauge" ? { timeUnixNano: timeNanos } : { startTimeUnixNano, timeUnixNano: timeNanos };
      points[index]!.push({ ...time, ...(isInteger ? { asInt: value } : { asDouble: value }) });
    }
    this.#told.set(sandboxId, { startNanos, timeNanos, values });
  }
}
