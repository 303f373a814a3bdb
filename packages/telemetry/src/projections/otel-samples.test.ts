import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventDataMap, RuntimeEventOf } from "@sandglass/protocol";
import type { NumberDataPoint, OtlpMetric } from "../otlp/model.ts";
import { attribute } from "./otel-attribute.ts";
import { openingAttributes } from "./otel-attributes.ts";
import { OtelMemory } from "./otel-memory.ts";
import type { Temporality } from "./otel-metrics.ts";
import { SAMPLE_METRICS } from "./otel-sample-metrics.ts";
import { SampleProjection } from "./otel-samples.ts";
import { otelEvent } from "./testing/otel-events.ts";
import { CONVENTIONAL_METRICS } from "./testing/semantic-conventions.ts";

type SampleEvent = RuntimeEventOf<"resource.sample">;

const START = 1_776_520_800;
const SCOPE = { name: "test" };

/** A sample so many seconds after the first. */
function sample(
  uptimeS: number,
  data: Partial<EventDataMap["resource.sample"]> = {},
  sandboxId = "sbx_a",
): SampleEvent {
  const timestamp = new Date((START + uptimeS) * 1000).toISOString().replace("Z", "000Z");
  return otelEvent("resource.sample", { uptimeMs: uptimeS * 1000, ...data }, { timestamp, sandboxId });
}

/** The metrics of each sandbox by name. */
function project(projection: SampleProjection, ...events: SampleEvent[]): Map<string, OtlpMetric>[] {
  const context = {
    service: [attribute("service.name", "here")],
    scope: SCOPE,
    memory: new OtelMemory(openingAttributes),
  };
  return projection
    .project(events, context)
    .map(({ scopeMetrics }) => new Map(scopeMetrics?.[0]?.metrics?.map((metric) => [metric.name, metric])));
}

function pointsOf(metric: OtlpMetric | undefined): NumberDataPoint[] {
  return metric?.gauge?.dataPoints ?? metric?.sum?.dataPoints ?? [];
}

const one = (temporality: Temporality = "cumulative") => new SampleProjection(temporality);

test("names are the conventions' or begin with sandglass., and each is told once", () => {
  const names = SAMPLE_METRICS.map(({ name }) => name);
  for (const name of names) {
    if (!name.startsWith("sandglass.")) assert.ok(CONVENTIONAL_METRICS.has(name), name);
  }
  assert.equal(new Set(names).size, names.length);
  const [metrics] = project(one(), sample(10));
  assert.deepEqual([...metrics!.keys()], names);
});

test("whose a sample is stands on the resource, and no point has attributes", () => {
  const memory = new OtelMemory(openingAttributes);
  memory.observe(otelEvent("sandbox.created", {}, { sandboxId: "sbx_a" }));
  const told = one().project([sample(0), sample(0, {}, "sbx_b"), sample(10)], {
    service: [attribute("service.name", "here")],
    scope: SCOPE,
    memory,
  });
  const identities = told.map(({ resource }) =>
    resource?.attributes?.map(({ key, value }) => [key, value?.stringValue]),
  );
  assert.deepEqual(identities[0], [
    ["service.name", "here"],
    ["sandglass.sandbox.id", "sbx_a"],
    ["sandglass.org.id", "acme"],
    ["sandglass.run.id", "run_1"],
    ["sandglass.template.id", "python"],
  ]);
  assert.deepEqual(identities[1]?.[1], ["sandglass.sandbox.id", "sbx_b"]);
  const points = told.flatMap(({ scopeMetrics = [] }) =>
    scopeMetrics.flatMap(({ metrics = [] }) => metrics.flatMap(pointsOf)),
  );
  assert.equal(points.length, 3 * SAMPLE_METRICS.length);
  assert.ok(points.every(({ attributes }) => attributes === undefined));
});

test("every sample is a point with its own time, in the units of the conventions", () => {
  const [metrics] = project(
    one(),
    sample(10, { cpuUtilization: 0.25, cpuLimit: 2, cpuMs: 5000, throttledMs: 1500, pids: 7, oomKills: 1 }),
    sample(20, { memoryUsageBytes: 300, memoryLimitBytes: 400, diskUsageBytes: 10, diskLimitBytes: 40 }),
  );
  const first = (name: string) => pointsOf(metrics?.get(name))[0];
  const second = (name: string) => pointsOf(metrics?.get(name))[1];
  assert.deepEqual(first("sandglass.sandbox.cpu.utilization"), {
    timeUnixNano: `${START + 10}000000000`,
    asDouble: 0.25,
  });
  assert.equal(first("container.cpu.usage")?.asDouble, 0.5);
  assert.equal(first("container.cpu.time")?.asDouble, 5);
  assert.equal(first("container.uptime")?.asDouble, 10);
  assert.equal(first("sandglass.sandbox.cpu.throttled.time")?.asDouble, 1.5);
  assert.equal(first("sandglass.sandbox.process.count")?.asInt, 7);
  assert.equal(first("sandglass.sandbox.memory.oom_kills")?.asInt, 1);
  assert.equal(second("sandglass.sandbox.memory.utilization")?.asDouble, 0.75);
  assert.equal(second("container.memory.usage")?.asInt, 300);
  assert.equal(second("sandglass.sandbox.filesystem.utilization")?.asDouble, 0.25);
  assert.equal(second("container.filesystem.available")?.asInt, 30);
  assert.equal(second("container.filesystem.capacity")?.timeUnixNano, `${START + 20}000000000`);
});

test("what grows is a sum that begins with the sandbox, also where its first sample was not seen", () => {
  const projection = one();
  const [[metrics], [later]] = [
    project(projection, sample(10, { cpuMs: 1000 })),
    project(projection, sample(20, { cpuMs: 3000 })),
  ];
  const starts = [metrics, later].map((each) => {
    const sum = each?.get("container.cpu.time")?.sum;
    assert.deepEqual([sum?.aggregationTemporality, sum?.isMonotonic], [2, true]);
    return sum?.dataPoints?.map(({ startTimeUnixNano, asDouble }) => [startTimeUnixNano, asDouble])[0];
  });
  assert.deepEqual(starts, [
    [`${START}000000000`, 1],
    [`${START}000000000`, 3],
  ]);
  const level = metrics?.get("container.memory.usage")?.sum;
  assert.deepEqual([level?.aggregationTemporality, level?.isMonotonic], [2, false]);
});

test("as deltas, what grows is told from sample to sample, without what came before the first seen", () => {
  const projection = one("delta");
  const [before] = project(projection, sample(10, { cpuMs: 1000 }));
  assert.equal(before?.get("container.cpu.time"), undefined);
  assert.equal(before?.get("container.memory.usage")?.sum?.aggregationTemporality, 2);
  const [metrics] = project(projection, sample(20, { cpuMs: 3000 }), sample(30, { cpuMs: 3500 }));
  const sum = metrics?.get("container.cpu.time")?.sum;
  assert.equal(sum?.aggregationTemporality, 1);
  assert.deepEqual(
    sum?.dataPoints?.map(({ startTimeUnixNano, timeUnixNano, asDouble }) => [
      startTimeUnixNano,
      timeUnixNano,
      asDouble,
    ]),
    [
      [`${START + 10}000000000`, `${START + 20}000000000`, 2],
      [`${START + 20}000000000`, `${START + 30}000000000`, 0.5],
    ],
  );
});

test("what a sample does not say is left out, and a ratio is never above 1", () => {
  const { data, ...rest } = sample(0, { memoryUsageBytes: 5, memoryLimitBytes: 4, diskLimitBytes: 0 });
  const { cpuMs: _c, throttledMs: _t, cpuLimit: _l, uptimeMs: _u, ...local } = data;
  const { egressBytesIn: _i, egressBytesOut: _o, egressConnections: _n, egressDenied: _d, ...closed } = local;
  const { telemetry: _s, ...older } = closed;
  const [metrics] = project(one(), { ...rest, data: older } as SampleEvent);
  assert.deepEqual(
    [...metrics!.keys()],
    [
      "sandglass.sandbox.cpu.utilization",
      "sandglass.sandbox.memory.utilization",
      "sandglass.sandbox.memory.usage",
      "sandglass.sandbox.memory.limit",
      "sandglass.sandbox.memory.oom_kills",
      "sandglass.sandbox.process.count",
      "container.memory.usage",
    ],
  );
  assert.equal(pointsOf(metrics?.get("sandglass.sandbox.memory.utilization"))[0]?.asDouble, 1);
});
