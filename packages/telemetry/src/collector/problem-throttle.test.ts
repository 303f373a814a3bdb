import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemThrottle } from "./problem-throttle.ts";

test("each kind of problem is told once in an interval, then how many more there were, for as long as it goes on", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: unknown[][] = [];
  const { tell } = new ProblemThrottle((...args) => told.push(args), 10_000);
  for (let i = 1; i <= 1_000; i++) tell("full", i);
  tell("other");
  assert.deepEqual(told.splice(0), [
    ["full", 1],
    ["other", undefined],
  ]);
  t.mock.timers.tick(10_000);
  assert.deepEqual(told.splice(0), [["full (999 more in 10 s)", 1_000]]);
  tell("full", "still");
  tell("other");
  assert.deepEqual(told.splice(0), [["other", undefined]]);
  t.mock.timers.tick(10_000);
  assert.deepEqual(told.splice(0), [["full (1 more in 10 s)", "still"]]);
  t.mock.timers.tick(10_000);
  tell("full", "again");
  assert.deepEqual(told, [["full", "again"]]);
});
