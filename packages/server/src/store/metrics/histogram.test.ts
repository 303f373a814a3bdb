import assert from "node:assert/strict";
import { test } from "node:test";
import { type Distribution, since } from "./distribution.ts";
import { Histogram } from "./histogram.ts";

function explicit(bounds: number[], counts: number[], sum = 0): Distribution {
  const at = counts.map((_, index) => index);
  return { count: counts.reduce((a, b) => a + b, 0), sum, buckets: [{ bounds, at, counts }] };
}

function added(...distributions: Distribution[]): Histogram {
  const all = new Histogram();
  for (const distribution of distributions) all.add(distribution);
  return all;
}

function recorded(...values: number[]): Histogram {
  const all = new Histogram();
  for (const value of values) all.record(value);
  return all;
}

test("a quantile of single measurements is within the width of a bucket, for values of every size and sign", () => {
  for (const scale of [1e-6, 1, 1e9, -1]) {
    const values = Array.from({ length: 1000 }, (_, index) => (index + 1) * scale);
    const all = recorded(...values);
    const sorted = values.toSorted((a, b) => a - b);
    for (const share of [0.5, 0.9, 0.95, 0.99]) {
      const exact = sorted[Math.ceil(share * values.length) - 1] as number;
      const told = all.quantile(share) as number;
      assert.ok(Math.abs(told / exact - 1) < 0.045, `${share} of ${scale}: ${told}, not ${exact}`);
    }
    assert.equal(all.least(), sorted[0]);
    assert.equal(all.greatest(), sorted.at(-1));
  }
});

test("a power of two is in the bucket that it ends, and zero in its own", () => {
  for (const value of [1, 2, 1024, 0.5]) {
    const { buckets } = recorded(value).toDistribution();
    const { scale = 0, at = [] } = buckets[0] ?? {};
    const index = at[0] as number;
    assert.ok(value <= 2 ** ((index + 1) / 2 ** scale) && value > 2 ** (index / 2 ** scale), `${value}`);
  }
  assert.equal(recorded(0, 0).quantile(0.5), 0);
});

test("explicit buckets are told within, and beyond the last bound nothing is made up", () => {
  const all = added(explicit([1, 2, 4], [0, 10, 0, 0]));
  assert.equal(all.quantile(0.5), 1.5);
  assert.equal(added(explicit([1, 2, 4], [0, 0, 0, 5])).quantile(0.99), 4);
  assert.equal(added({ count: 3, sum: 9, buckets: [] }).quantile(0.5), undefined);
});

test("histograms with other bounds are added up all the same", () => {
  const all = added(explicit([1, 2], [5, 5, 0]), explicit([10, 20], [0, 10, 0]));
  assert.equal(all.count, 20);
  assert.equal(all.quantile(0.25), 1);
  assert.equal(all.quantile(1), 20);
});

test("the difference of two totals is what came between them; a total that fell is a new one", () => {
  const earlier = explicit([1, 2], [3, 1, 0], 4);
  const later = explicit([1, 2], [3, 4, 1], 14);
  assert.deepEqual(since(earlier, later), {
    count: 4,
    sum: 10,
    buckets: [{ bounds: [1, 2], at: [1, 2], counts: [3, 1] }],
  });
  assert.equal(since(later, earlier), undefined);
  assert.equal(since(earlier, explicit([1, 2], [2, 9, 9])), undefined, "one bucket fell");
});

test("a total whose buckets became wider is compared with the earlier ones put together", () => {
  const fine: Distribution = {
    count: 4,
    sum: 0,
    buckets: [{ scale: 1, sign: 1, at: [-1, 2, 3], counts: [1, 1, 2] }],
  };
  const wide: Distribution = {
    count: 6,
    sum: 0,
    buckets: [{ scale: 0, sign: 1, at: [-1, 1], counts: [2, 4] }],
  };
  assert.deepEqual(since(fine, wide)?.buckets, [{ scale: 0, sign: 1, at: [-1, 1], counts: [1, 1] }]);
});
