import assert from "node:assert/strict";
import { test } from "node:test";
import { UidRanges } from "./uid-ranges.ts";

test("ranges never overlap, the lately used come back last, and the supply has an end", () => {
  const ranges = new UidRanges();
  const taken = Array.from({ length: UidRanges.COUNT }, () => ranges.take());
  assert.equal(new Set(taken).size, UidRanges.COUNT);
  const sorted = taken.toSorted((a, b) => a - b);
  for (const [at, first] of sorted.entries())
    if (at > 0) assert.ok(first - (sorted[at - 1] ?? 0) >= UidRanges.SIZE, `${first}`);
  assert.ok((sorted.at(-1) ?? 0) + UidRanges.SIZE <= 2 ** 32, "beyond the kernel's ids");
  assert.throws(() => ranges.take(), /in use/);
  ranges.release(taken[5] ?? 0);
  ranges.release(taken[9] ?? 0);
  assert.deepEqual([ranges.take(), ranges.take()], [taken[5], taken[9]]);
});

test("a range just released is not the next to be given", () => {
  const ranges = new UidRanges();
  const first = ranges.take();
  ranges.release(first);
  assert.notEqual(ranges.take(), first);
});
