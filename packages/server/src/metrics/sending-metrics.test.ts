import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ExporterInfo } from "@sandglass/protocol";
import { renderText } from "./exposition.ts";
import { sendingFamilies } from "./sending-metrics.ts";
import { COLLECTOR_STATS } from "./testing/collector-stats.ts";
import { parseMetrics, sampleValue } from "./testing/parse-metrics.ts";

function exporter(id: string, provider: string): ExporterInfo {
  return {
    ...{ id, provider, destination: "", state: "running", origin: "config", lagMs: 0 },
    counts: {
      ...{ accepted: 0, delivered: 100, filtered: 0, queued: 6, inFlight: 4 },
      dropped: { rejected: 1, retention: 2, corrupt: 3 },
    },
    ...{ failedAttempts: 1, failedEvents: 10, filterErrors: 0 },
  };
}

const EVENT_LOG = { bytes: 1000, maxBytes: 5000, lastPosition: 10, oldestPosition: 1 };

describe("what is sent, by the Collector's names", () => {
  const exporters = [exporter("otel", "otel"), exporter("file", "jsonl")];
  const collector = { stats: COLLECTOR_STATS, maxBytes: 20_000 };
  const text = renderText(sendingFamilies({ exporters, log: EVENT_LOG, collector }), "openmetrics");
  const metrics = parseMetrics(text, "openmetrics");
  const of = (exporterId: string, name: string, more: Record<string, string> = {}) =>
    sampleValue(metrics, `otelcol_exporter_${name}`, { exporter: exporterId, ...more });
  const ofSignals = (exporterId: string, what: string) =>
    ["spans", "log_records", "metric_points"].map((items) => of(exporterId, `${what}_${items}_total`));

  test("an exporter that passes telemetry on has its spans and points, and its events among its log records", () => {
    assert.deepEqual(ofSignals("otel", "sent"), [31, 32 + 100, 33]);
    assert.deepEqual(ofSignals("otel", "send_failed"), [34, 35 + 10, 36]);
    assert.deepEqual(ofSignals("otel", "enqueue_failed"), [56 + 1, 57 + 5, 58]);
  });

  test("one that has events alone has no other signal", () => {
    assert.deepEqual(ofSignals("file", "sent"), [undefined, 100, undefined]);
    assert.deepEqual(ofSignals("file", "send_failed"), [undefined, 10, undefined]);
    assert.deepEqual(ofSignals("file", "enqueue_failed"), [undefined, 5, undefined]);
  });

  test("endpoints of sandboxes' owners are one, under a name that no exporter can have", () => {
    assert.deepEqual(ofSignals("otlp/owners", "sent"), [41, 42, 43]);
    assert.deepEqual(ofSignals("otlp/owners", "send_failed"), [44, 45, 46]);
  });

  test("each queue is there with what fits into it: as many of the mean size as the log may hold", () => {
    const events = { data_type: "events" };
    const telemetry = { data_type: "telemetry" };
    assert.deepEqual(
      [of("file", "queue_size", events), of("file", "queue_capacity", events)],
      [10, 5000 / (1000 / 10)],
    );
    assert.deepEqual(
      [of("otel", "queue_size", telemetry), of("otel", "queue_capacity", telemetry)],
      [2, 20_000 / (1000 / 10)],
    );
    assert.deepEqual(of("otlp/owners", "queue_size", telemetry), 5);
  });

  test("a log that is empty has a capacity none the less", () => {
    const log = { bytes: 0, maxBytes: 1024 * 1024, lastPosition: 0, oldestPosition: 1 };
    const empty = parseMetrics(renderText(sendingFamilies({ exporters, log }), "openmetrics"), "openmetrics");
    const capacity = sampleValue(empty, "otelcol_exporter_queue_capacity", {
      exporter: "file",
      data_type: "events",
    });
    assert.equal(capacity, 1024);
  });
});
