import assert from "node:assert/strict";
import { test } from "node:test";
import { age, duration } from "./duration.ts";

test("a duration is said in the unit that people would use", () => {
  const said = [0, 0.4249, 12.34, 999.9, 4_200, 59_999, 185_000, 7_800_000].map(duration);
  assert.deepEqual(said, [
    "0.00 ms",
    "0.42 ms",
    "12.3 ms",
    "999.9 ms",
    "4.20 s",
    "60.00 s",
    "3m 05s",
    "2h 10m",
  ]);
  assert.equal(duration(Number.NaN), "–");
});

test("an age is its largest unit, and never below zero", () => {
  const now = Date.parse("2026-04-18T14:00:00Z");
  const since = (seconds: number): string => age(new Date(now - seconds * 1000).toISOString(), now);
  assert.deepEqual(
    [since(5), since(150), since(7_300), since(200_000), since(-9)],
    ["5s", "2m", "2h", "2d", "0s"],
  );
});
