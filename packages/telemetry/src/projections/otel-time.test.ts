import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMicroTime } from "@sandglass/protocol";
import fc from "fast-check";
import { parseMicroTime } from "./micro-time.ts";
import { microsOf, nanosOf } from "./otel-time.ts";

test("an event's timestamp reads to the microsecond, within a second and across", () => {
  const start = Date.UTC(2026, 3, 18, 14) * 1000;
  for (const offset of [0, 42, 999_999, 1_000_000, 999_998, 59_999_999, -1]) {
    assert.equal(microsOf(formatMicroTime(start + offset)), start + offset);
  }
});

test("every timestamp reads as the plain parser reads it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4_000_000_000_000_000 }), (micros) => {
      assert.equal(microsOf(formatMicroTime(micros)), micros);
    }),
  );
  for (const other of ["2026-04-18T14:00:00Z", "2026-04-18T14:00:00.5Z", "2026-04-18T14:00:00.123456789Z"]) {
    assert.equal(microsOf(other), parseMicroTime(other));
  }
});

test("a text that is no time is 0, which means unknown", () => {
  for (const bad of ["", "yesterday", "2026-04-18T14:00:00.12345xZ", "xxxx-04-18T14:00:00.123456Z"]) {
    assert.equal(microsOf(bad), 0, bad);
  }
  assert.equal(nanosOf(0), "0");
  assert.equal(nanosOf(-5), "0");
});

test("nanoseconds keep every digit of the microseconds", () => {
  assert.equal(nanosOf(1_776_510_028_036_123), "1776510028036123000");
});
