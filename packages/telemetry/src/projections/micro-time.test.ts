import assert from "node:assert/strict";
import { test } from "node:test";
import { elapsedMs, parseMicroTime, timeBefore } from "./micro-time.ts";

test("times keep their microseconds, also across a second's and a year's border", () => {
  assert.equal(parseMicroTime("1970-01-01T00:00:01.000042Z"), 1_000_042);
  assert.equal(parseMicroTime("1970-01-01T00:00:01Z"), 1_000_000);
  assert.equal(parseMicroTime("1970-01-01T00:00:01.5Z"), 1_500_000);
  assert.equal(timeBefore("2026-01-01T00:00:00.000001Z", 0.002), "2025-12-31T23:59:59.999999Z");
  assert.equal(timeBefore("2026-04-18T14:00:00.500000Z", 1500.25), "2026-04-18T13:59:58.999750Z");
  assert.equal(elapsedMs("2026-04-18T14:00:00.000000Z", "2026-04-18T14:00:00.012345Z"), 12.345);
  assert.equal(elapsedMs("2026-04-18T14:00:01Z", "2026-04-18T14:00:00Z"), 0);
});
