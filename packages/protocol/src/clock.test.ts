import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { formatMicroTime, microTime, microTimestamp } from "./clock.ts";

const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const realNow = Date.now;

afterEach(() => {
  mock.restoreAll();
  microTime();
});

test("a timestamp has six decimals, is UTC, and agrees with the wall clock", () => {
  const before = Date.now();
  const text = microTimestamp();
  assert.match(text, FORM);
  const time = Date.parse(text);
  assert.ok(time >= before - 5 && time <= Date.now() + 5, `${text} is not around ${before}`);
});

test("timestamps do not go backwards while the wall clock is steady", () => {
  let last = "";
  for (let index = 0; index < 200_000; index++) {
    const text = microTimestamp();
    assert.ok(text >= last, `${text} after ${last}`);
    last = text;
  }
});

test("a wall clock that slips back a little is smoothed over", () => {
  const before = microTime();
  mock.method(Date, "now", () => realNow() - 300);
  for (let index = 0; index < 100; index++) assert.ok(microTime() >= before);
});

test("a wall clock that is set is followed, forward and back", () => {
  for (const shift of [86_400_000, -3_600_000]) {
    mock.method(Date, "now", () => realNow() + shift);
    assert.ok(Math.abs(microTime() / 1000 - Date.now()) < 50);
    mock.restoreAll();
  }
});

test("no clock makes it throw", () => {
  for (const value of [Number.NaN, 0, -1, 1e300, -1e300, Number.POSITIVE_INFINITY]) {
    mock.method(Date, "now", () => value);
    assert.match(microTimestamp(), /^[+-]?\d+-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    mock.restoreAll();
  }
  microTime();
  assert.match(microTimestamp(), FORM);
});

test("microseconds are written as they are", () => {
  assert.equal(formatMicroTime(1_776_520_800_000_042), "2026-04-18T14:00:00.000042Z");
  assert.equal(formatMicroTime(1_776_520_800_999_999), "2026-04-18T14:00:00.999999Z");
  assert.equal(formatMicroTime(-1), "1969-12-31T23:59:59.999999Z");
});
