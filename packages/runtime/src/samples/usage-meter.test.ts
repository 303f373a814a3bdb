import assert from "node:assert/strict";
import { test } from "node:test";
import { type Reading, UsageMeter } from "./usage-meter.ts";

const LIMITS = { vcpu: 2, memoryMb: 512 };
const FREE = { cpuHourUsd: 0, memoryGbHourUsd: 0 };
const FIRST: Reading = {
  atMs: 50,
  cpuMs: 700,
  throttledMs: 20,
  memoryBytes: 1,
  pids: 2,
  oomKills: 1,
  disk: undefined,
};

const after = (ms: number, over: Partial<Reading> = {}): Reading => ({ ...FIRST, atMs: 50 + ms, ...over });

test("what was used before the first reading, booting and warming up, is in no sample and no cost", () => {
  const meter = new UsageMeter(LIMITS, FREE, FIRST);
  const { cpuUtilization, cpuMs, throttledMs, oomKills, uptimeMs } = meter.sample(FIRST);
  assert.deepEqual([cpuUtilization, cpuMs, throttledMs, oomKills, uptimeMs], [0, 0, 0, 0, 0]);
  assert.deepEqual(meter.cost(), { cpuMs: 0, memoryMbMs: 0, costUsd: 0 });
});

test("utilization is of the limit, since the sample before, and stays between 0 and 1", () => {
  const meter = new UsageMeter(LIMITS, FREE, FIRST);
  const used = [1700, 1700, 10_000, 9000].map(
    (cpuMs, index) => meter.sample(after((index + 1) * 1000, { cpuMs })).cpuUtilization,
  );
  assert.deepEqual(used, [0.5, 0, 1, 0]);
});

test("a disk of its own is measured in bytes, and none is 0 of 0", () => {
  const meter = new UsageMeter(LIMITS, FREE, FIRST);
  const { diskUsageBytes, diskLimitBytes, memoryLimitBytes } = meter.sample(
    after(1, { disk: { usedBytes: 10, sizeBytes: 100 } }),
  );
  assert.deepEqual([diskUsageBytes, diskLimitBytes, memoryLimitBytes], [10, 100, 512 * 1024 * 1024]);
  assert.equal(meter.sample(after(2)).diskLimitBytes, 0);
});

test("costs are what came up since the one before, and together what it all cost", () => {
  const meter = new UsageMeter(LIMITS, { cpuHourUsd: 0.05, memoryGbHourUsd: 0.01 }, FIRST);
  const hourMs = 3_600_000;
  const costs = [1, 2, 4].map((hours) => {
    meter.sample(after(hours * hourMs, { cpuMs: 700 + (hours * hourMs) / 10 }));
    return meter.cost();
  });
  assert.deepEqual(
    costs.map(({ cpuMs, memoryMbMs }) => [cpuMs, memoryMbMs]),
    [1, 1, 2].map((hours) => [(hours * hourMs) / 10, hours * hourMs * 512]),
  );
  const total = costs.reduce((sum, { costUsd }) => sum + costUsd, 0);
  // Four hours: a tenth of a processor, and half a GiB.
  assert.ok(Math.abs(total - (4 * 0.1 * 0.05 + 4 * 0.5 * 0.01)) < 1e-12, `${total}`);
  assert.deepEqual(meter.cost(), { cpuMs: 0, memoryMbMs: 0, costUsd: 0 });
});
