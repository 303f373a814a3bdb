import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Histogram } from "./instruments.ts";

test("series beyond a bound are counted together: whoever finds a label of his own cannot fill the memory", () => {
  const counts = new Counter();
  for (let n = 0; n < 5000; n++) counts.add({ route: `/${n}` });
  const points = counts.points();
  assert.equal(points.length, 1000);
  assert.deepEqual(points.at(-1), { labels: { "otel.metric.overflow": "true" }, value: 4001 });
  assert.equal(
    points.reduce((sum, { value }) => sum + value, 0),
    5000,
  );
});

test("what was read does not change with what is counted later", () => {
  const durations = new Histogram([1]);
  const place = { timeMs: 1, traceId: "a", spanId: "b" };
  durations.observe({}, 1, place);
  const [point] = durations.points();
  durations.observe({}, 0.5, { ...place, spanId: "c" });
  durations.observe({}, 2);
  assert.deepEqual(point, {
    labels: {},
    bounds: [1],
    counts: [1, 0],
    sum: 1,
    exemplars: [{ ...place, value: 1 }, undefined],
  });
});

test("a counter shows the zeros that it was made with", () => {
  assert.deepEqual(new Counter([{ cause: "user" }]).points(), [{ labels: { cause: "user" }, value: 0 }]);
});
