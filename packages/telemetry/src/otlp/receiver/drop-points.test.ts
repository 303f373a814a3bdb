import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeMetrics } from "../encode-metrics.ts";
import { metricsFromProtobuf } from "../from-protobuf.ts";
import type { MetricsData } from "../model.ts";
import { concat, number, sized } from "../relay/testing/forge.ts";
import { arbitraryMetrics } from "../testing/arbitrary-otlp.ts";
import { dropPoints } from "./drop-points.ts";

test("points are left out by splicing: what is unknown stays, what is emptied goes", () => {
  const unknown = concat(sized(99, "unknown"), number(98, 2n ** 64n - 1n));
  const point = (value: string): Buffer => sized(1, sized(7, value), unknown);
  const metric = (...points: Buffer[]): Buffer =>
    sized(2, sized(1, "m"), sized(5, ...points, unknown), unknown);
  const scope = (...metrics: Buffer[]): Buffer => sized(2, sized(1), ...metrics, unknown);
  const entry = (...scopes: Buffer[]): Buffer => sized(1, sized(1), ...scopes, unknown);
  const before = concat(
    unknown,
    entry(scope(metric(point("0"), point("1")), metric(point("2"))), scope(metric(point("3")))),
    entry(scope(metric(point("4")))),
    entry(scope(metric(point("5"), point("6"), point("7")), metric())),
    unknown,
  );
  const after = concat(
    unknown,
    entry(scope(metric(point("0")))),
    entry(scope(metric(point("5"), point("7")), metric())),
    unknown,
  );
  assert.deepEqual(dropPoints(before, [1, 2, 3, 4, 6]), after);
  assert.deepEqual(dropPoints(before, []), before);
  assert.deepEqual(
    dropPoints(before, [0, 1, 2, 3, 4]),
    concat(unknown, entry(scope(metric(point("5"), point("6"), point("7")), metric())), unknown),
  );
});

test("whatever is left out of whatever request, all others stay as they are", () => {
  fc.assert(
    fc.property(arbitraryMetrics, fc.nat(), (data, choice) => {
      const bytes = encodeMetrics(data);
      const points = pointsOf(metricsFromProtobuf(bytes));
      const isDropped = (place: number): boolean => ((choice >>> (place % 31)) & 1) === 1;
      const rest = dropPoints(bytes, [...points.keys()].filter(isDropped));
      const expected = points.filter((_, place) => !isDropped(place));
      assert.deepEqual(pointsOf(metricsFromProtobuf(rest)), expected);
    }),
    { numRuns: 300 },
  );
});

/** All data points with the names of what they are in. */
function pointsOf({ resourceMetrics = [] }: MetricsData): unknown[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics.flatMap(({ scope, metrics = [] }) =>
      metrics.flatMap((metric) =>
        [metric.gauge, metric.sum, metric.histogram, metric.exponentialHistogram, metric.summary].flatMap(
          (points) => (points?.dataPoints ?? []).map((point) => [resource, scope, metric.name, point]),
        ),
      ),
    ),
  );
}
