import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { IdleClock } from "./idle-clock.ts";

function clockOf(
  t: TestContext,
  timeoutMs: number,
): { clock: IdleClock; fired(): number; pass(ms: number): void } {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let count = 0;
  const clock = new IdleClock(timeoutMs, () => count++);
  return { clock, fired: () => count, pass: (ms) => t.mock.timers.tick(ms) };
}

describe("the clock of idleness", () => {
  test("fires once, when nothing has gone on for its time", (t) => {
    const { clock, fired, pass } = clockOf(t, 100);
    pass(1000);
    assert.equal(fired(), 0, "it runs before its start");
    clock.start();
    pass(99);
    assert.equal(fired(), 0);
    pass(1);
    assert.equal(fired(), 1);
    pass(1000);
    assert.equal(fired(), 1);
  });

  test("counts from the last thing that happened", (t) => {
    const { clock, fired, pass } = clockOf(t, 100);
    clock.start();
    for (let touches = 0; touches < 5; touches++) {
      pass(90);
      clock.touch();
    }
    assert.equal(fired(), 0);
    pass(100);
    assert.equal(fired(), 1);
  });

  test("stands still while calls are inside, until the last has left", (t) => {
    const { clock, fired, pass } = clockOf(t, 100);
    clock.start();
    const [first, second] = [clock.enter(), clock.enter()];
    pass(1000);
    first();
    first(); // leaving twice is leaving once
    clock.touch();
    pass(1000);
    assert.equal(fired(), 0);
    second();
    pass(99);
    assert.equal(fired(), 0);
    pass(1);
    assert.equal(fired(), 1);
  });

  test("stopped, it does not fire; started again, it counts anew", (t) => {
    const { clock, fired, pass } = clockOf(t, 100);
    clock.start();
    pass(90);
    clock.stop();
    clock.touch();
    clock.enter()();
    pass(1000);
    assert.equal(fired(), 0);
    clock.start();
    pass(99);
    assert.equal(fired(), 0);
    pass(1);
    assert.equal(fired(), 1);
  });

  test("a time of 0 is never", (t) => {
    const { clock, fired, pass } = clockOf(t, 0);
    clock.start();
    clock.enter()();
    pass(2 ** 31);
    assert.equal(fired(), 0);
  });
});
