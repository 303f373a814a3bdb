import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { MetricInfo, MetricSeriesList } from "@sandglass/protocol";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { attribute, BEGIN, doubles, iso, points, RANGE, sentMetrics } from "./testing/sent-metrics.ts";

const KEYS = ["first_0123456789abcdef", "second_0123456789abcdef@another"];
const OTHER = "second_0123456789abcdef";
let daemon: TestDaemon;
let sandboxId: string;

async function send(metrics: object[]): Promise<void> {
  const resource = { attributes: [attribute("service.name", "shop")] };
  const json = { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: "test" }, metrics }] }] };
  const answer = await callHttp(daemon, "POST /otlp/v1/metrics", { json });
  assert.equal(answer.status, 200, answer.text);
}

async function ask(query: Record<string, unknown>, apiKey?: string): Promise<MetricSeriesList> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of [value].flat()) search.append(name, String(item));
  }
  const options = apiKey === undefined ? {} : { apiKey };
  const answer = await callHttp(daemon, `GET /v1/metrics?${search}`, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const list = async (): Promise<MetricInfo[]> => (await callHttp(daemon, "GET /v1/metrics")).json.items;
/** Values by minute of the only series. */
const values = (answer: MetricSeriesList): [number, number][] => {
  assert.equal(answer.series.length, 1, JSON.stringify(answer));
  return (answer.series[0]?.points ?? []).map(([time, value]) => [(time - BEGIN) / 60_000, value]);
};

before(async () => {
  daemon = await startDaemon({ apiKeys: KEYS, args: ["--pool", "python=0"] });
  await send(sentMetrics());
  const created = await callHttp(daemon, "POST /v1/sandboxes");
  sandboxId = created.json.id;
  const exec = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json: { argv: ["true"] } });
  assert.equal(exec.status, 200);
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandboxId}`);
  await until("the metrics are stored", async () => {
    const names = (await list()).map(({ name }) => name);
    return ["size", "sandglass.exec.duration", "container.cpu.time"].every((name) => names.includes(name));
  });
});
after(() => daemon?.stop());

test("the list says of each metric what it is and what it can be grouped by", async () => {
  const all = await list();
  const { lastAt, ...gauge } = all.find(({ name }) => name === "queue.size") as MetricInfo;
  assert.deepEqual(gauge, {
    name: "queue.size",
    type: "gauge",
    unit: "{item}",
    description: "Waiting",
    attributes: ["region", "sandglass.org.id", "service.name"],
    points: 5,
  });
  assert.equal(Date.parse(lastAt), BEGIN + 60_000);
  const types = Object.fromEntries(all.map(({ name, type }) => [name, type]));
  assert.deepEqual(
    [
      types.orders,
      types.bytes,
      types.latency,
      types["container.cpu.time"],
      types["sandglass.sandbox.memory.usage"],
    ],
    ["counter", "counter", "histogram", "counter", "gauge"],
  );
});

test("a gauge is put together over its points, a sum over its series", async () => {
  const gauge = { name: "queue.size", ...RANGE };
  for (const [aggregation, expected] of [
    [
      "avg",
      [
        [0, 14 / 3],
        [1, 14],
      ],
    ],
    [
      "min",
      [
        [0, 1],
        [1, 8],
      ],
    ],
    [
      "max",
      [
        [0, 10],
        [1, 20],
      ],
    ],
    [
      "sum",
      [
        [0, 13],
        [1, 28],
      ],
    ],
    [
      "count",
      [
        [0, 3],
        [1, 2],
      ],
    ],
    [
      "p50",
      [
        [0, 3],
        [1, 14],
      ],
    ],
  ] as const) {
    assert.deepEqual(values(await ask({ ...gauge, aggregation })), expected, aggregation);
  }
});

test("series are grouped by attributes of the points and their resource, and filtered", async () => {
  const grouped = await ask({
    name: "queue.size",
    ...RANGE,
    groupBy: "region,service.name",
    aggregation: "last",
  });
  assert.deepEqual(
    grouped.series.map(({ attributes, points: [first] }) => [attributes, first?.[1]]),
    [
      [{ region: "north", "service.name": "shop" }, 3],
      [{ region: "south", "service.name": "shop" }, 10],
    ],
  );
  const filter = ["region=south", "service.name=shop"];
  assert.deepEqual(values(await ask({ name: "queue.size", ...RANGE, filter })), [
    [0, 10],
    [1, 20],
  ]);
  assert.deepEqual((await ask({ name: "queue.size", ...RANGE, filter: "region=west" })).series, []);
  const cut = await ask({ name: "queue.size", ...RANGE, groupBy: "region", limit: 1 });
  assert.deepEqual([cut.series.length, cut.omittedSeries, cut.isPartial], [1, 1, false]);
});

test("a counter counts what came: not what was there before, and all of it where it begins anew", async () => {
  const counter = { name: "orders", ...RANGE };
  // North's first total was counted before the range; south's 30 within it.
  assert.deepEqual(values(await ask({ ...counter, aggregation: "sum" })), [
    [0, 0],
    [1, 90],
    [2, 6],
  ]);
  assert.deepEqual(values(await ask({ ...counter, since: iso(1), aggregation: "sum" })), [
    [1, 60],
    [2, 6],
  ]);
  assert.deepEqual(values(await ask({ ...counter, aggregation: "rate" })), [
    [0, 0],
    [1, 1.5],
    [2, 0.1],
  ]);
  assert.deepEqual(values(await ask({ name: "bytes", ...RANGE })), [
    [0, 1],
    [1, 4],
  ]);
});

test("histograms are told by their buckets, of totals and of increases", async () => {
  const latency = { name: "latency", ...RANGE };
  assert.deepEqual(values(await ask({ ...latency, aggregation: "count" })), [
    [0, 0],
    [1, 4],
    [2, 1],
  ]);
  assert.deepEqual(values(await ask({ ...latency, aggregation: "avg" })), [
    [1, 3],
    [2, 0.5],
  ]);
  assert.deepEqual(values(await ask({ ...latency, aggregation: "p50" })), [
    [1, 3],
    [2, 0.5],
  ]);
  assert.deepEqual(values(await ask({ name: "size", ...RANGE, aggregation: "p95" })), [[0, 3]]);
});

test("what the daemon measured is there by template: durations of execs, and what sandboxes used", async () => {
  const exec = await ask({
    name: "sandglass.exec.duration",
    groupBy: "sandglass.template.id,sandglass.cause",
  });
  const [series] = exec.series;
  assert.deepEqual(series?.attributes, { "sandglass.template.id": "python", "sandglass.cause": "exited" });
  assert.ok((series?.points[0]?.[1] ?? 0) > 0, JSON.stringify(exec));
  const memory = await ask({
    name: "sandglass.sandbox.memory.limit",
    sandboxId,
    groupBy: "sandglass.sandbox.id",
  });
  assert.deepEqual(memory.series[0]?.attributes, { "sandglass.sandbox.id": sandboxId });
  assert.ok((memory.series[0]?.points[0]?.[1] ?? 0) > 1_000_000, JSON.stringify(memory));
});

test("a program cannot pass its numbers off as the daemon's own", async () => {
  const forged = (value: number) => points(doubles({ 0: value }));
  await send([
    { name: "sandglass.exec.duration", unit: "s", gauge: { dataPoints: forged(1e9) } },
    { name: "container.cpu.time", gauge: { dataPoints: forged(1e9) } },
    { name: "arrived", gauge: { dataPoints: forged(1) } },
  ]);
  await until("all are stored", async () => (await list()).some(({ name }) => name === "arrived"));
  for (const name of ["sandglass.exec.duration", "container.cpu.time"]) {
    const { series } = await ask({ name, aggregation: "max" });
    assert.ok(
      series.every(({ points: all }) => all.every(([, value]) => value < 1e9)),
      JSON.stringify(series),
    );
  }
});

test("another organisation sees none of it, an unknown name has no series, and steps stay few", async () => {
  assert.deepEqual((await ask({ name: "queue.size", ...RANGE }, OTHER)).series, []);
  assert.deepEqual((await ask({ name: "no.such" })).series, []);
  const day = await ask({ name: "queue.size", since: iso(-1440), until: iso(5), stepMs: 1 });
  assert.equal(day.stepMs, 60_000);
  const bad = await callHttp(daemon, "GET /v1/metrics?name=x&aggregation=median");
  assert.equal(bad.json.error.code, "INVALID_REQUEST");
});
