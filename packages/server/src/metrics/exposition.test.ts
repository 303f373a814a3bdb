import assert from "node:assert/strict";
import { test } from "node:test";
import { renderFamilies } from "./exposition.ts";
import { Counter, Histogram } from "./instruments.ts";

test("labels are escaped, so that no value can end its line", () => {
  const counter = new Counter();
  counter.add({ route: 'a"b\\c\nd' });
  counter.add({ route: 'a"b\\c\nd' }, 2);
  const text = renderFamilies([
    { name: "x_total", help: "Of\nx.", type: "counter", samples: counter.samples() },
  ]);
  assert.equal(text, '# HELP x_total Of\\nx.\n# TYPE x_total counter\nx_total{route="a\\"b\\\\c\\nd"} 3\n');
});

test("a histogram's buckets are cumulative and end at infinity", () => {
  const histogram = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe({ route: "/" }, value);
  const text = renderFamilies([{ name: "d", help: "D.", type: "histogram", samples: histogram.samples() }]);
  assert.deepEqual(text.split("\n").slice(2, -1), [
    'd_bucket{route="/",le="0.1"} 2',
    'd_bucket{route="/",le="1"} 3',
    'd_bucket{route="/",le="+Inf"} 4',
    'd_sum{route="/"} 7.65',
    'd_count{route="/"} 4',
  ]);
});
