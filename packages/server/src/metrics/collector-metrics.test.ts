import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectorFamilies } from "./collector-metrics.ts";
import { renderText } from "./exposition.ts";
import { COLLECTOR_STATS } from "./testing/collector-stats.ts";
import { parseMetrics, sampleValue } from "./testing/parse-metrics.ts";

const CAPACITY = 4096;

describe("metrics of the collector", () => {
  const text = renderText(collectorFamilies(COLLECTOR_STATS, CAPACITY), "openmetrics");
  const metrics = parseMetrics(text, "openmetrics");
  const value = (name: string, labels: Record<string, string> = {}) => sampleValue(metrics, name, labels);

  test("what came in has the Collector's names", () => {
    const of = (name: string, labels = {}) =>
      value(`otelcol_receiver_${name}_total`, { receiver: "otlp", transport: "http", ...labels });
    const accepted = ["accepted_spans", "accepted_log_records", "accepted_metric_points"].map((name) =>
      of(name),
    );
    assert.deepEqual(accepted, [40, 30, 20]);
    const lost = ["spans", "log_records", "metric_points"].map((items) => [
      of(`refused_${items}`),
      of(`failed_${items}`),
    ]);
    // With the 7 that were left out of requests that were taken.
    assert.deepEqual(lost, [
      [50, 53],
      [51, 54],
      [52 + 7, 55],
    ]);
    const outcomes = ["success", "refused", "failure"].map((outcome) => of("requests", { outcome }));
    assert.deepEqual(outcomes, [5, 5, 4]);
    assert.equal(of("accepted_spans", { transport: "grpc" }), 8);
  });

  test("every reason to refuse is there before anything was refused for it", () => {
    const counts = {
      malformed: 2,
      too_large: 0,
      rate_limited: 3,
      in_flight: 0,
      log_share: 0,
      not_ready: 0,
      aborted: 0,
      timed_out: 0,
      overloaded: 0,
      unavailable: 4,
    };
    const of = (labels: Record<string, string>) => value("sandglass_receiver_refused_requests_total", labels);
    for (const [reason, count] of Object.entries(counts))
      assert.equal(of({ reason, transport: "http" }), count, reason);
    assert.deepEqual(
      [of({ reason: "rate_limited", transport: "grpc" }), of({ reason: "malformed", transport: "grpc" })],
      [6, 0],
    );
  });

  test("what is passed on adds up: accepted is delivered, left out, waiting, being sent and given up", () => {
    const of = (name: string, more = {}) => value(name, { exporter: "otel", ...more });
    const dropped = ["rejected", "retention", "corrupt"].map(
      (reason) => of("sandglass_relay_dropped_requests_total", { reason }) ?? Number.NaN,
    );
    assert.deepEqual(dropped, [0, 1, 0]);
    const accepted = of("sandglass_relay_accepted_requests_total");
    const delivered = of("sandglass_relay_delivered_requests_total") ?? Number.NaN;
    const waiting = 2;
    const filtered = of("sandglass_relay_filtered_requests_total") ?? Number.NaN;
    assert.deepEqual([accepted, delivered, filtered], [8, 3, 2]);
    assert.equal(accepted, delivered + filtered + waiting + dropped.reduce((sum, count) => sum + count, 0));
    assert.deepEqual([of("sandglass_relay_lag_seconds"), of("sandglass_relay_stalled")], [1.5, 1]);
    assert.equal(value("sandglass_forward_stalled_destinations"), 1);
  });

  test("its log and its process are there, with how much that may be", () => {
    assert.equal(value("sandglass_telemetry_log_bytes"), 1000);
    assert.equal(value("sandglass_telemetry_log_capacity_bytes"), CAPACITY);
    assert.equal(value("sandglass_collector_cpu_seconds_total"), 2.5);
    assert.deepEqual([value("sandglass_collector_up"), value("sandglass_collector_restarts_total")], [1, 2]);
  });

  test("lines of output are counted that became log records, and that did not", () => {
    assert.equal(value("sandglass_output_log_lines_total"), 11);
    assert.equal(value("sandglass_output_left_out_lines_total"), 12);
  });

  test("nothing that a sender says is a label", () => {
    assert.equal(value("sandglass_derived_unpriced_calls_total"), 3);
    assert.equal(value("sandglass_derived_skipped_requests_total"), 13);
    assert.equal(value("sandglass_derived_malformed_requests_total"), 14);
    for (const model of Object.keys(COLLECTOR_STATS.derived.unknownModels)) assert.ok(!text.includes(model));
  });
});
