import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Paced } from "./paced.ts";

const EVERY_MS = 100;

test("what comes alone is done at once, a flood once in an interval, and nothing after its end", (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const pass = (ms: number): void => {
    now += ms;
    mock.timers.tick(ms);
  };
  const done: number[] = [];
  const paced = new Paced(() => done.push(now), EVERY_MS);
  paced.wake();
  pass(40);
  assert.deepEqual(done, [], "the beginning was shown piece by piece");
  pass(60);
  assert.deepEqual(done, [100]);
  pass(500);
  paced.wake();
  paced.wake();
  pass(0);
  assert.deepEqual(done, [100, 600], "one that came alone had to wait");
  for (let at = 0; at < 25; at++) {
    paced.wake();
    pass(10);
  }
  assert.deepEqual(done, [100, 600, 700, 800]);
  paced.stop();
  pass(1_000);
  assert.deepEqual(done, [100, 600, 700, 800]);
});
