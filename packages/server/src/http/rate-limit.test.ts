import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "./rate-limit.ts";

test("so many at once, then an even stream of them, each name for itself", () => {
  const limit = new RateLimit(4, 1_000);
  for (let count = 0; count < 4; count++) assert.equal(limit.take("a", 0), 0);
  assert.equal(limit.take("a", 0), 250);
  assert.equal(limit.take("b", 0), 0);
  assert.equal(limit.take("a", 249), 1);
  assert.equal(limit.take("a", 250), 0);
  assert.ok(limit.take("a", 250) > 0);
});

test("a name that was away does not save up more than one period's worth", () => {
  const limit = new RateLimit(2, 1_000);
  assert.deepEqual([limit.take("a", 0), limit.take("a", 3_600_000), limit.take("a", 3_600_000)], [0, 0, 0]);
  assert.ok(limit.take("a", 3_600_000) > 0);
});

test("zero is no limit", () => {
  const limit = new RateLimit(0, 1_000);
  for (let count = 0; count < 10_000; count++) assert.equal(limit.take("a", 0), 0);
});

test("however many names come, what is known of them is bounded, and whoever is over the limit stays so", () => {
  const limit = new RateLimit(1, 60_000);
  for (let index = 0; index < 49_000; index++) limit.take(`name-${index}`, 0);
  assert.equal(limit.take("late", 1), 0);
  for (let index = 0; index < 900; index++) limit.take(`more-${index}`, 2);
  assert.ok(limit.take("late", 3) > 0);
});
