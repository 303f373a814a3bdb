import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TelemetryRecord } from "../telemetry-record.ts";
import { LaneWindow } from "./lane-window.ts";
import { MemoryBudget } from "./memory-budget.ts";

const ALL = { maxBytes: 1e9, maxItems: 1e9 };

function record(bytes: number): TelemetryRecord {
  const head = {
    signal: "traces",
    origin: "sandbox",
    receivedAt: 0,
    items: 2,
    orgId: "",
    sandboxId: "",
  } as const;
  // What a request costs beside its bytes is taken off, so that the sizes below are whole.
  return { ...head, runId: "", destinationId: "", isForwardOnly: false, body: Buffer.alloc(bytes - 256) };
}

/** How many of this size there is room for. */
function fill(window: LaneWindow, bytes: number): number {
  let count = 0;
  while (window.push(count + 1, record(bytes))) count += 1;
  return count;
}

describe("what a lane may hold", () => {
  const limits = { laneBytes: 10_000, shareBytes: 2000 };

  test("is its own limit, and when that is reached it wants no more until half of it is free", () => {
    const window = new LaneWindow(new MemoryBudget(1e6), limits);
    assert.equal(fill(window, 1000), 10);
    assert.equal(window.wantsMore, false);
    window.take({ maxBytes: 1e9, maxItems: 10 });
    assert.deepEqual(
      [window.sendingAmount, window.waitingAmount],
      [
        { requests: 5, items: 10 },
        { requests: 5, items: 10 },
      ],
    );
    window.settle(4);
    assert.equal(window.wantsMore, false);
    window.settle(1);
    assert.deepEqual([window.wantsMore, window.first?.position], [true, 6]);
  });

  test("is its share in any case, also where others hold all there is", () => {
    const budget = new MemoryBudget(20_000);
    const greedy = [new LaneWindow(budget, limits), new LaneWindow(budget, limits)];
    for (const window of greedy) assert.equal(fill(window, 1000), 10);
    const late = new LaneWindow(budget, limits);
    assert.equal(fill(late, 1000), 2);
    assert.equal(budget.used, 22_000);
    late.take(ALL);
    late.settle(2);
    assert.equal(late.push(3, record(3000)), false);
    assert.equal(late.wantsMore, false, "no room for what comes next");
    greedy[0]!.clear();
    assert.equal(late.wantsMore, true);
    assert.equal(late.push(3, record(3000)), true);
  });

  test("is one request that is larger than all of it, alone", () => {
    const window = new LaneWindow(new MemoryBudget(1e6), limits);
    assert.equal(window.push(1, record(50_000)), true);
    assert.equal(window.push(2, record(1000)), false);
    window.take(ALL);
    window.settle(1);
    assert.equal(window.push(2, record(1000)), true);
    assert.equal(window.push(3, record(50_000)), false);
    assert.equal(window.wantsMore, false, "it would be read again and again in vain");
  });

  test("is its share while it is found out whether the destination works", () => {
    const window = new LaneWindow(new MemoryBudget(1e6), limits);
    window.isProbing = true;
    assert.equal(fill(window, 1000), 2);
    window.take(ALL);
    window.settle(2);
    window.isProbing = false;
    assert.equal(fill(window, 1000), 10);
  });
});
