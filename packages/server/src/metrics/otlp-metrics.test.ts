import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { counter, type Family, gauge, histogram, info, one, updown } from "./family.ts";
import { Counter, Histogram } from "./instruments.ts";
import { countPoints, type OtlpView, toOtlpMetrics } from "./otlp-metrics.ts";

const START = 1_776_510_000_000;
const FIRST = START + 10_000;
const SECOND = START + 20_000;
const nanos = (ms: number): string => `${ms}000000`;
const PLACE = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const cumulative: OtlpView = { temporality: "cumulative", startMs: START, before: undefined };
const delta: OtlpView = { temporality: "delta", startMs: START, before: undefined };

const hits = (value: number): Family =>
  counter("sandglass.pool.hits", "{sandbox}", "Hits.", [
    { labels: { "sandglass.template": "python" }, value },
  ]);
const delivered = (value: number): Family =>
  counter("sandglass.exporter.delivered", "{event}", "D.", one(value), { isPersistent: true });

describe("metrics over OTLP", () => {
  test("each kind is what it is there: sums that grow and that may fall, gauges, integers and seconds", () => {
    const families = [
      hits(3),
      updown("sandglass.sandboxes", "{sandbox}", "S.", one(2)),
      gauge("sandglass.exporter.lag", "s", "L.", one(2)),
      info("sandglass.build", "B.", { version: "1" }),
      gauge("sandglass.empty", "s", "E.", []),
    ];
    const times = { startTimeUnixNano: nanos(START), timeUnixNano: nanos(FIRST) };
    const metrics = toOtlpMetrics({ families, timeMs: FIRST }, cumulative);
    assert.deepEqual(metrics, [
      {
        name: "sandglass.pool.hits",
        description: "Hits.",
        unit: "{sandbox}",
        sum: {
          dataPoints: [
            {
              ...times,
              attributes: [{ key: "sandglass.template", value: { stringValue: "python" } }],
              asInt: 3,
            },
          ],
          aggregationTemporality: 2,
          isMonotonic: true,
        },
      },
      {
        name: "sandglass.sandboxes",
        description: "S.",
        unit: "{sandbox}",
        sum: { dataPoints: [{ ...times, asInt: 2 }], aggregationTemporality: 2, isMonotonic: false },
      },
      {
        name: "sandglass.exporter.lag",
        description: "L.",
        unit: "s",
        gauge: { dataPoints: [{ timeUnixNano: nanos(FIRST), asDouble: 2 }] },
      },
    ]);
    assert.equal(countPoints(metrics), 3);
  });

  test("a total that is older than the process does not say when it began", () => {
    const [metric] = toOtlpMetrics({ families: [delivered(7)], timeMs: FIRST }, cumulative);
    assert.deepEqual(metric?.sum?.dataPoints, [{ timeUnixNano: nanos(FIRST), asInt: 7 }]);
  });

  test("a histogram has its buckets one by one, and the exemplars that the destination does not have", () => {
    const durations = new Histogram([0.1, 1]);
    durations.observe({}, 0.05, { timeMs: FIRST - 1, ...PLACE });
    const before = { families: [histogram("d", "s", "D.", durations.points())], timeMs: FIRST };
    durations.observe({}, 7, { timeMs: SECOND - 1, ...PLACE });
    const now = { families: [histogram("d", "s", "D.", durations.points())], timeMs: SECOND };
    const [metric] = toOtlpMetrics(now, { ...cumulative, before });
    assert.deepEqual(metric?.histogram?.dataPoints, [
      {
        startTimeUnixNano: nanos(START),
        timeUnixNano: nanos(SECOND),
        count: 2,
        sum: 7.05,
        bucketCounts: [1, 0, 1],
        explicitBounds: [0.1, 1],
        exemplars: [{ timeUnixNano: nanos(SECOND - 1), asDouble: 7, ...PLACE }],
      },
    ]);
    const [change] = toOtlpMetrics(now, { ...delta, before });
    assert.equal(change?.histogram?.aggregationTemporality, 1);
    const [point] = change?.histogram?.dataPoints ?? [];
    assert.deepEqual([point?.startTimeUnixNano, point?.count, point?.sum], [nanos(FIRST), 1, 7]);
    assert.deepEqual(point?.bucketCounts, [0, 0, 1]);
  });

  test("deltas are what came up since what the destination has, and add up to the whole", () => {
    const counts = new Counter();
    const view = (): Family => counter("c", "{c}", "C.", counts.points());
    const values = (metrics: ReturnType<typeof toOtlpMetrics>) =>
      metrics.map(({ sum }) =>
        sum?.dataPoints?.map(({ asInt, startTimeUnixNano }) => [asInt, startTimeUnixNano]),
      );
    counts.add({ a: "1" }, 5);
    const before = { families: [view()], timeMs: FIRST };
    assert.deepEqual(values(toOtlpMetrics(before, delta)), [[[5, nanos(START)]]]);
    counts.add({ a: "1" }, 2);
    counts.add({ a: "2" });
    const now = { families: [view()], timeMs: SECOND };
    assert.deepEqual(values(toOtlpMetrics(now, { ...delta, before })), [
      [
        [2, nanos(FIRST)],
        [1, nanos(FIRST)],
      ],
    ]);
  });

  test("there is no delta of a total that is older than the process until there is one before it", () => {
    const before = { families: [delivered(100)], timeMs: FIRST };
    assert.deepEqual(toOtlpMetrics(before, delta), []);
    const now = { families: [delivered(104)], timeMs: SECOND };
    assert.equal(toOtlpMetrics(now, { ...delta, before })[0]?.sum?.dataPoints?.[0]?.asInt, 4);
  });

  test("what has begun anew counts whole, what may fall has no deltas", () => {
    const before = { families: [hits(9), updown("u", "{u}", "U.", one(5))], timeMs: FIRST };
    const now = { families: [hits(2), updown("u", "{u}", "U.", one(4))], timeMs: SECOND };
    const metrics = toOtlpMetrics(now, { ...delta, before });
    assert.deepEqual(
      metrics.map(({ sum }) => [sum?.aggregationTemporality, sum?.dataPoints?.[0]?.asInt]),
      [
        [1, 2],
        [2, 4],
      ],
    );
  });
});
