import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { MetricsData } from "@sandglass/telemetry";
import { FaultyServer, until } from "@sandglass/testkit";
import { counter, type Family, one } from "./family.ts";
import { ReaderMetrics } from "./reader-metrics.ts";
import { type PostOutcome, SelfMetricsExporter, type SelfMetricsOptions } from "./self-metrics-exporter.ts";

const COMPONENT = { type: "otlp_http_json_metric_exporter", name: "otel" };

/** A destination for metrics over HTTP, and an exporter to it whose counter is at `counted`. */
async function setUp(t: TestContext, options: Partial<SelfMetricsOptions> = {}) {
  const received: MetricsData[] = [];
  const server = await FaultyServer.start(({ body }) => {
    received.push(JSON.parse(body.toString("utf8")) as MetricsData);
    return { status: 200 };
  });
  t.after(() => server[Symbol.asyncDispose]());
  const readers = new ReaderMetrics();
  const problems: string[] = [];
  const state = { counted: 0 };
  const exporter = new SelfMetricsExporter({
    collect: () => [
      counter("c", "{c}", "C.", one(state.counted)),
      counter("derived", "{c}", "D.", one(1), { isDerived: true }),
      ...readers.families(),
    ],
    readers,
    component: COMPONENT,
    resource: [{ key: "service.name", value: { stringValue: "sandglass" } }],
    scope: { name: "sandglass" },
    temporality: "cumulative",
    encode: (data) => Buffer.from(JSON.stringify(data)),
    post: async (body, signal): Promise<PostOutcome> => {
      const { status } = await fetch(`${server.url}/v1/metrics`, {
        method: "POST",
        body: Buffer.from(body),
        signal,
      });
      return status === 200 ? { status: "ok" } : { status: "retry", reason: `it answered ${status}` };
    },
    intervalMs: 0,
    onProblem: (message) => problems.push(message),
    ...options,
  });
  return { exporter, readers, problems, received, server, state };
}

function metricsIn(data: MetricsData | undefined) {
  return data?.resourceMetrics?.[0]?.scopeMetrics?.[0]?.metrics ?? [];
}
function pointsOf(data: MetricsData | undefined, name: string) {
  const found = metricsIn(data).find((metric) => metric.name === name);
  return found?.sum?.dataPoints?.map(({ asInt }) => asInt);
}
function exportedBy(families: readonly Family[]): unknown {
  const family = families.find(({ name }) => name === "otel.sdk.exporter.metric_data_point.exported");
  return family?.points.map((point) => [point.labels?.["error.type"], "value" in point && point.value]);
}

describe("the daemon's own metrics over OTLP", () => {
  test("each export has all that is true then, of the daemon alone, without what its events say already", async (t) => {
    const { exporter, received, state } = await setUp(t);
    state.counted = 3;
    await exporter.export();
    assert.deepEqual(received[0]?.resourceMetrics?.[0]?.resource?.attributes, [
      { key: "service.name", value: { stringValue: "sandglass" } },
    ]);
    assert.deepEqual(pointsOf(received[0], "c"), [3]);
    assert.equal(pointsOf(received[0], "derived"), undefined);
  });

  test("what events say already is there where nobody else says it", async (t) => {
    const { exporter, received } = await setUp(t, { withDerived: true });
    await exporter.export();
    assert.deepEqual(pointsOf(received[0], "derived"), [1]);
  });

  test("what an export took is told by the next, and by nothing else", async (t) => {
    const { exporter, received, readers } = await setUp(t);
    await exporter.export();
    await exporter.export();
    assert.deepEqual(pointsOf(received[1], "otel.sdk.exporter.metric_data_point.exported"), [
      metricsIn(received[0]).length,
    ]);
    assert.deepEqual(pointsOf(received[1], "otel.sdk.exporter.metric_data_point.inflight"), [0]);
    const names = new Set(metricsIn(received[1]).map(({ name }) => name));
    assert.ok(names.has("otel.sdk.exporter.operation.duration"));
    assert.ok(names.has("otel.sdk.metric_reader.collection.duration"));
    // From now on each export is as large as the one before: nothing feeds itself.
    await exporter.export();
    await exporter.export();
    assert.equal(metricsIn(received[3]).length, metricsIn(received[2]).length);
    assert.ok(exportedBy(readers.families()));
  });

  test("what could not be sent is in the delta of the next, and one failure is told once", async (t) => {
    const { exporter, received, server, state, problems, readers } = await setUp(t, { temporality: "delta" });
    state.counted = 1;
    await exporter.export();
    server.fault = { status: 503 };
    state.counted = 3;
    await exporter.export();
    await exporter.export();
    server.fault = undefined;
    state.counted = 6;
    await exporter.export();
    assert.deepEqual(
      received.map((data) => pointsOf(data, "c")),
      [[1], [5]],
    );
    assert.deepEqual(problems, ["the daemon's metrics were not taken by otel: it answered 503"]);
    const errors = (exportedBy(readers.families()) as unknown[][]).map(([errorType]) => errorType);
    assert.deepEqual(errors, [undefined, "retry"]);
  });

  test("it leaves a destination alone for as long as that asks, and one without a place for metrics", async (t) => {
    for (const outcome of [
      { status: "retry", reason: "busy", afterMs: 60_000 },
      { status: "unsupported", reason: "404" },
    ] as const) {
      let posts = 0;
      const post = async (): Promise<PostOutcome> => {
        posts++;
        return outcome;
      };
      const { exporter } = await setUp(t, { post });
      await exporter.export();
      await exporter.export();
      await exporter.close(1000);
      assert.equal(posts, 1, outcome.status);
    }
  });

  test("points that the destination did not want are counted as such", async (t) => {
    const { exporter, readers } = await setUp(t, { post: async () => ({ status: "ok", rejected: 1 }) });
    await exporter.export();
    assert.deepEqual(exportedBy(readers.families()), [
      [undefined, 0],
      ["rejected", 1],
    ]);
  });

  test("it exports by the interval, one at a time, and a last time at its end", async (t) => {
    const bodies: MetricsData[] = [];
    let underWay = 0;
    let most = 0;
    let release = (): void => undefined;
    const { exporter, state } = await setUp(t, {
      intervalMs: 1,
      post: async (body) => {
        most = Math.max(most, ++underWay);
        bodies.push(JSON.parse(Buffer.from(body).toString("utf8")) as MetricsData);
        // The first lasts for as many intervals as it takes to see that none begins beside it.
        if (bodies.length === 1) await new Promise<void>((resolve) => (release = resolve));
        underWay--;
        return { status: "ok" };
      },
    });
    exporter.start();
    await until("the first export", () => bodies.length === 1);
    const { mock } = t.mock.method(exporter, "export");
    await until("five more intervals are over", () => mock.callCount() >= 5);
    assert.equal(bodies.length, 1);
    release();
    await until("the third export", () => bodies.length >= 3);
    state.counted = 9;
    await exporter.close(5000);
    assert.deepEqual(pointsOf(bodies.at(-1), "c"), [9]);
    const { length } = bodies;
    await exporter.export();
    assert.equal(bodies.length, length, "none comes behind the last");
    assert.equal(most, 1);
  });

  test("metrics that cannot be read are a problem to tell, not the end of the daemon", async (t) => {
    const { exporter, problems, received } = await setUp(t, {
      collect: () => {
        throw new Error("no /proc here");
      },
    });
    await exporter.export();
    assert.deepEqual(problems, ["the daemon's metrics were not taken by otel: no /proc here"]);
    assert.equal(received.length, 0);
  });

  test("its end does not wait for a destination that hangs", async (t) => {
    const { exporter, server, problems } = await setUp(t);
    server.fault = { hang: true };
    await exporter.close(100);
    assert.equal(problems.length, 1);
  });
});
