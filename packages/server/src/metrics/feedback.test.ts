import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newSpanId, newTraceId } from "@sandglass/protocol";
import { callHttp, FaultyServer, startDaemon, until } from "@sandglass/testkit";
import { loadConfig } from "../config.ts";
import { Sandglass } from "../sandglass.ts";
import { Metrics } from "./metrics.ts";
import { SelfMetricsExporter } from "./self-metrics-exporter.ts";
import { parseMetrics, sampleValue } from "./testing/parse-metrics.ts";

test("an idle daemon comes to rest: delivering its events makes no event, a scrape makes one", async () => {
  let delivered = "";
  await using sink = await FaultyServer.start(({ path, body }) => {
    if (path === "/v1/logs") delivered += body.toString("utf8");
    return { status: 200, headers: { "content-type": "application/json" }, body: "{}" };
  });
  const config = { endpoint: sink.url, protocol: "http/json", batchConfig: { scheduleDelayMs: 5 } };
  await using daemon = await startDaemon({
    args: ["--pool", "python=0"],
    env: { SANDGLASS_OBSERVABILITY: JSON.stringify({ provider: "otel", config }) },
  });
  /** Resolves when the scrape's own event is delivered, and with it all there were. */
  const scrape = async () => {
    const traceId = newTraceId();
    const headers = { traceparent: `00-${traceId}-${newSpanId()}-01` };
    const { text } = await callHttp(daemon, "GET /metrics", { headers });
    await until("the scrape's event is delivered", () => delivered.includes(traceId));
    return parseMetrics(text, "prometheus");
  };
  const first = sampleValue(await scrape(), "sandglass_log_last_position") ?? 0;
  for (let round = 1; round <= 5; round++) {
    const requests = sink.requests;
    const metrics = await scrape();
    assert.equal(sampleValue(metrics, "sandglass_log_last_position"), first + round);
    assert.equal(sampleValue(metrics, "sandglass_log_appended_total"), first + round);
    const labels = { exporter: "otel", provider: "otel" };
    assert.equal(sampleValue(metrics, "sandglass_exporter_failed_attempts_total", labels), 0);
    assert.ok(sink.requests > requests);
  }
});

test("exporting the daemon's own metrics makes no event and no span", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-feedback-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const metrics = new Metrics(() => 0);
  t.after(() => metrics.close());
  const loaded = await loadConfig({ options: { dataDir, pool: { python: 0 } }, env: {}, cwd: dataDir });
  await using sandglass = await Sandglass.open(loaded, { event: (event) => metrics.count(event) });
  await using sink = await FaultyServer.start(() => ({ status: 200 }));
  const { runtime, recorder, observability } = sandglass;
  const sources = { runtime, recorder, observability, loaded };
  const exporter = new SelfMetricsExporter({
    collect: () => metrics.collect(sources),
    readers: metrics.readers,
    component: { type: "otlp_http_json_metric_exporter", name: "otel" },
    resource: [],
    scope: { name: "sandglass" },
    temporality: "cumulative",
    encode: (data) => Buffer.from(JSON.stringify(data)),
    post: async (body, signal) => {
      await fetch(`${sink.url}/v1/metrics`, { method: "POST", body: Buffer.from(body), signal });
      return { status: "ok" };
    },
    intervalMs: 0,
    onProblem: (message) => assert.fail(message),
  });
  const spans = () => metrics.collect(sources).find(({ name }) => name === "otel.sdk.span.started")?.points;
  const before = [recorder.stats().lastPosition, spans()];
  for (let n = 0; n < 20; n++) await exporter.export();
  assert.equal(sink.requests, 20);
  assert.deepEqual([recorder.stats().lastPosition, spans()], before);
});
