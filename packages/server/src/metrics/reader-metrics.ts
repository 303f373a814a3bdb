import { counter, type Family, histogram, updown } from "./family.ts";
import { Counter, Histogram } from "./instruments.ts";

/** Seconds. */
const COLLECT_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];
const OPERATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Which part it is, by OpenTelemetry's names: `{type: "otlp_http_metric_exporter", name: "otel"}`. */
export interface Component {
  readonly type: string;
  readonly name: string;
}

/** What those cost who read these metrics: scrapers, and exporters over OTLP. Counted by them, and told with the rest. */
export class ReaderMetrics {
  readonly #collections = new Histogram(COLLECT_BOUNDS);
  readonly #operations = new Histogram(OPERATION_BOUNDS);
  readonly #exported = new Counter();
  readonly #inFlight = new Counter();

  collected(by: Component, durationMs: number): void {
    this.#collections.observe(labelsOf(by), durationMs / 1000);
  }

  /** @param errorType of a few words; undefined where it went well */
  exported(by: Component, durationMs: number, points: number, errorType?: string): void {
    const labels = labelsOf(by, errorType);
    this.#operations.observe(labels, durationMs / 1000);
    this.#exported.add(labels, points);
  }

  /** Points of an export that was taken, which were not. */
  rejected(by: Component, points: number): void {
    this.#exported.add(labelsOf(by, "rejected"), points);
  }

  /** @param change points that are being sent, or, below 0, no longer are */
  inFlight(by: Component, change: number): void {
    this.#inFlight.add(labelsOf(by), change);
  }

  families(): Family[] {
    return [
      histogram(
        "otel.sdk.metric_reader.collection.duration",
        "s",
        "How long it took to read these metrics.",
        this.#collections.points(),
      ),
      histogram(
        "otel.sdk.exporter.operation.duration",
        "s",
        "How long it took to export these metrics.",
        this.#operations.points(),
      ),
      counter(
        "otel.sdk.exporter.metric_data_point.exported",
        "{data_point}",
        "Data points of these metrics that were exported, or, with an error type, not.",
        this.#exported.points(),
      ),
      updown(
        "otel.sdk.exporter.metric_data_point.inflight",
        "{data_point}",
        "Data points of these metrics that are being exported.",
        this.#inFlight.points(),
      ),
    ];
  }
}

function labelsOf({ type, name }: Component, errorType?: string): Record<string, string> {
  const labels = { "otel.component.type": type, "otel.component.name": name };
  return errorType === undefined ? labels : { ...labels, "error.type": errorType };
}
