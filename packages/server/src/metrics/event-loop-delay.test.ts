import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { EventLoopDelay } from "./event-loop-delay.ts";

test("an event loop that is held up counts as all the moments in which it was", async (t) => {
  const delay = new EventLoopDelay();
  t.after(() => delay.close());
  /** Moments that waited for longer than this. */
  const countAbove = (seconds: number): number => {
    const [family] = delay.families();
    assert.ok(family?.kind === "histogram");
    const { counts, bounds } = family.points[0] ?? { counts: [], bounds: [] };
    return counts.reduce(
      (sum, count, bucket) => (bucket === 0 || bounds[bucket - 1]! < seconds ? sum : sum + count),
      0,
    );
  };
  await until("the first tick", () => delay.families()[0]?.points.length === 1);
  const before = countAbove(0.2);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await until("the late tick", () => countAbove(0.2) > before);
  // 450 ms late, or more: who came 50, 100, 150 or 200 ms into it waited for longer than 200 ms too.
  assert.ok(countAbove(0.2) - before >= 5, String(countAbove(0.2) - before));
});
