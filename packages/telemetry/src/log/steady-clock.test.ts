import assert from "node:assert/strict";
import { test } from "node:test";
import { SteadyClock } from "./steady-clock.ts";

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

function clocks(): { clock: SteadyClock; pass(ms: number): void; set(ms: number): void } {
  let wall = 1_000_000_000_000;
  let monotonic = 5_000;
  const clock = new SteadyClock(
    () => wall,
    () => monotonic,
  );
  return {
    clock,
    pass: (ms) => {
      wall += ms;
      monotonic += ms;
    },
    set: (ms) => {
      wall += ms;
    },
  };
}

test("a clock that leaps ahead for a moment, and back, changes nothing", () => {
  const { clock, pass, set } = clocks();
  const before = clock.now();
  set(YEAR_MS);
  pass(MINUTE_MS);
  assert.equal(clock.now(), before + MINUTE_MS);
  set(-YEAR_MS);
  pass(MINUTE_MS);
  assert.equal(clock.now(), before + 2 * MINUTE_MS);
});

test("a leap that lasts ten minutes is believed", () => {
  const { clock, pass, set } = clocks();
  const before = clock.now();
  set(YEAR_MS);
  clock.now();
  pass(9 * MINUTE_MS);
  assert.equal(clock.now(), before + 9 * MINUTE_MS);
  pass(MINUTE_MS);
  assert.equal(clock.now(), before + 10 * MINUTE_MS + YEAR_MS);
});

test("a clock that is set back is followed at once, and so are small corrections", () => {
  const { clock, set } = clocks();
  const before = clock.now();
  set(-YEAR_MS);
  assert.equal(clock.now(), before - YEAR_MS);
  set(500);
  assert.equal(clock.now(), before - YEAR_MS + 500);
});
