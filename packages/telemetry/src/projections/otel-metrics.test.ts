import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { HistogramDataPoint, KeyValue, NumberDataPoint, OtlpMetric } from "../otlp/model.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { OtelMemory } from "./otel-memory.ts";
import { EventMetrics, isMeasured, type Temporality } from "./otel-metrics.ts";
import { isSample } from "./otel-samples.ts";
import { otelEvent, otelEvents } from "./testing/otel-events.ts";
import { CONVENTIONAL_ATTRIBUTES, CONVENTIONAL_METRICS } from "./testing/semantic-conventions.ts";

/** Later than the clock that the metrics started with. */
const NOW = 4_000_000_000_000_000;

class Meter {
  readonly #memory = new OtelMemory(openingAttributes);
  readonly #metrics: EventMetrics;

  constructor(temporality: Temporality = "cumulative", maxSeries?: number) {
    this.#metrics = new EventMetrics({ temporality, ...(maxSeries !== undefined && { maxSeries }) });
  }

  absorb(...events: RuntimeEvent[]): this {
    for (const event of events) {
      this.#memory.observe(event);
      this.#metrics.absorb(event, this.#memory);
    }
    return this;
  }

  collect(nowMicros = NOW): Map<string, OtlpMetric> {
    return new Map(this.#metrics.collect(nowMicros).map((metric) => [metric.name, metric]));
  }
}

function plain(attributes: KeyValue[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}

function sumsOf(metric: OtlpMetric | undefined): [Record<string, unknown>, unknown][] {
  const points: NumberDataPoint[] = metric?.sum?.dataPoints ?? [];
  return points.map(({ attributes, asInt, asDouble }) => [plain(attributes), asInt ?? asDouble]);
}

function histogramOf(metric: OtlpMetric | undefined): HistogramDataPoint {
  const [point, ...more] = metric?.histogram?.dataPoints ?? [];
  assert.ok(point && more.length === 0);
  return point;
}

test("names of metrics and attributes are the conventions' or begin with sandglass.", () => {
  const metrics = new Meter().absorb(...otelEvents()).collect();
  for (const { name, histogram, sum } of metrics.values()) {
    if (!name.startsWith("sandglass.")) assert.ok(CONVENTIONAL_METRICS.has(name), name);
    const points: { attributes?: KeyValue[] }[] = histogram?.dataPoints ?? sum?.dataPoints ?? [];
    for (const { key } of points.flatMap(({ attributes = [] }) => attributes)) {
      if (!key.startsWith("sandglass.")) assert.ok(CONVENTIONAL_ATTRIBUTES.has(key), key);
    }
  }
  assert.deepEqual([...metrics.keys()].sort(), [
    "gen_ai.client.token.usage",
    "http.server.request.duration",
    "sandglass.exec.count",
    "sandglass.exec.duration",
    "sandglass.llm.cost",
    "sandglass.run.cost",
    "sandglass.runtime.cost",
    "sandglass.sandbox.created",
    "sandglass.sandbox.terminated",
  ]);
});

test("an event is measured where it changes a metric or is a sample, and only there", () => {
  for (const event of otelEvents()) {
    if (isSample(event)) assert.ok(isMeasured(event));
    else assert.equal(new Meter().absorb(event).collect().size > 0, isMeasured(event), event.type);
  }
});

test("exec durations are a histogram in seconds by cause, kind, language and template, with a trace for each bucket", () => {
  const exec = (durationMs: number, spanId: string) =>
    otelEvent("exec.completed", { cause: "exited", durationMs }, { spanId });
  const metric = new Meter()
    .absorb(
      otelEvent("sandbox.created"),
      exec(4, "1".repeat(16)),
      exec(5, "2".repeat(16)),
      exec(70_000, "3".repeat(16)),
    )
    .collect()
    .get("sandglass.exec.duration");
  assert.equal(metric?.unit, "s");
  assert.equal(metric?.histogram?.aggregationTemporality, 2);
  const point = histogramOf(metric);
  assert.deepEqual(plain(point.attributes), {
    "sandglass.cause": "exited",
    "sandglass.exec.kind": "code",
    "sandglass.exec.language": "python",
    "sandglass.template.id": "python",
    "sandglass.org.id": "acme",
  });
  assert.deepEqual([point.count, point.min, point.max], [3, 0.004, 70]);
  assert.ok(Math.abs(point.sum! - 70.009) < 1e-9);
  // Bounds are inclusive: 5 ms is in the first bucket. 70 s is between 60 and 300.
  assert.deepEqual(point.bucketCounts, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
  assert.equal(point.bucketCounts?.length, point.explicitBounds!.length + 1);
  assert.deepEqual(
    point.exemplars?.map(({ spanId, traceId, asDouble, timeUnixNano }) => [
      spanId,
      traceId,
      asDouble,
      timeUnixNano,
    ]),
    [
      ["2".repeat(16), "4bf92f3577b34da6a3ce929d0e0e4736", 0.005, "1776520800000042000"],
      ["3".repeat(16), "4bf92f3577b34da6a3ce929d0e0e4736", 70, "1776520800000042000"],
    ],
  );
});

test("counts and costs add up by what they are told apart by", () => {
  const metrics = new Meter()
    .absorb(
      otelEvent("sandbox.created"),
      otelEvent("sandbox.created"),
      otelEvent("sandbox.created", { source: "on_demand" }),
      otelEvent("cost.llm", { costUsd: 0.25 }),
      otelEvent("cost.llm", { costUsd: 0.5 }),
      otelEvent("run.completed", { costUsd: 2 }),
    )
    .collect();
  const place = { "sandglass.template.id": "python", "sandglass.org.id": "acme" };
  assert.deepEqual(sumsOf(metrics.get("sandglass.sandbox.created")), [
    [{ ...place, "sandglass.sandbox.source": "pool" }, 2],
    [{ ...place, "sandglass.sandbox.source": "on_demand" }, 1],
  ]);
  assert.deepEqual(sumsOf(metrics.get("sandglass.llm.cost")), [
    [{ "gen_ai.request.model": "m-1", "sandglass.org.id": "acme" }, 0.75],
  ]);
  assert.deepEqual(sumsOf(metrics.get("sandglass.run.cost")), [
    [{ "gen_ai.agent.name": "analyst-2", "sandglass.run.status": "error", "sandglass.org.id": "acme" }, 2],
  ]);
  assert.equal(metrics.get("sandglass.sandbox.created")?.sum?.isMonotonic, true);
});

test("requests are measured by their route's template, an unknown method as _OTHER", () => {
  const request = otelEvent("http.request", {
    method: "BREW",
    status: 404,
    errorCode: "ROUTE_NOT_FOUND",
    route: "",
  });
  const point = histogramOf(new Meter().absorb(request).collect().get("http.server.request.duration"));
  assert.deepEqual(plain(point.attributes), {
    "http.request.method": "_OTHER",
    "http.response.status_code": 404,
    "error.type": "ROUTE_NOT_FOUND",
    "url.scheme": "http",
  });
});

describe("temporality", () => {
  const exec = otelEvent("exec.completed");

  test("cumulative totals go on from one start, and only what changed is reported", () => {
    const meter = new Meter().absorb(otelEvent("sandbox.created"), exec);
    const first = meter.collect(NOW);
    const second = meter.absorb(exec).collect(NOW + 1000);
    assert.deepEqual([...second.keys()].sort(), ["sandglass.exec.count", "sandglass.exec.duration"]);
    const [before, after] = [first, second].map(
      (each) => each.get("sandglass.exec.count")!.sum!.dataPoints![0]!,
    );
    assert.deepEqual([before?.asInt, after?.asInt], [1, 2]);
    assert.equal(after?.startTimeUnixNano, before?.startTimeUnixNano);
    assert.equal(after?.timeUnixNano, "4000000000001000000");
    assert.equal(meter.collect(NOW + 2000).size, 0);
  });

  test("deltas say what came since the last report, from where that ended", () => {
    const meter = new Meter("delta").absorb(exec, exec);
    const first = meter.collect(NOW).get("sandglass.exec.count")!.sum!;
    assert.equal(meter.collect(NOW + 500).size, 0);
    const second = meter
      .absorb(exec)
      .collect(NOW + 1000)
      .get("sandglass.exec.count")!.sum!;
    assert.equal(first.aggregationTemporality, 1);
    assert.deepEqual([first.dataPoints![0]!.asInt, second.dataPoints![0]!.asInt], [2, 1]);
    assert.equal(second.dataPoints![0]!.startTimeUnixNano, first.dataPoints![0]!.timeUnixNano);
  });

  test("a clock that stands still or goes back makes no two points at one time", () => {
    const meter = new Meter().absorb(exec);
    const timeOf = (metrics: Map<string, OtlpMetric>) =>
      BigInt(metrics.get("sandglass.exec.count")!.sum!.dataPoints![0]!.timeUnixNano!);
    const first = timeOf(meter.collect(NOW));
    assert.ok(timeOf(meter.absorb(exec).collect(NOW)) > first);
    assert.ok(timeOf(meter.absorb(exec).collect(NOW - 1_000_000)) > first);
  });
});

test("series past the limit are counted together, and nothing is lost of the sum", () => {
  const meter = new Meter("cumulative", 10);
  for (let org = 0; org < 100; org++)
    meter.absorb(otelEvent("cost.llm", { costUsd: 1 }, { orgId: `org_${org}` }));
  const sums = sumsOf(meter.collect().get("sandglass.llm.cost"));
  assert.equal(sums.length, 10);
  assert.deepEqual(sums.at(-1), [{ "otel.metric.overflow": true }, 91]);
  assert.equal(
    sums.reduce((total, [, value]) => total + Number(value), 0),
    100,
  );
});

test("numbers that are none, and costs below zero, change nothing", () => {
  const meter = new Meter().absorb(
    otelEvent("exec.completed", { durationMs: Number.NaN }),
    otelEvent("cost.runtime", { costUsd: -1 }),
    otelEvent("cost.runtime", { costUsd: Number.NaN }),
  );
  assert.deepEqual([...meter.collect().keys()], ["sandglass.exec.count"]);
});
