import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandboxBudget } from "./sandbox-budget.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECONDS = 10;
const STEPS_PER_SECOND = 100;

/** How many bytes a second of each were read, of records that they would have read each hundredth of a second. */
function readOf(wants: Readonly<Record<string, { recordBytes: number; records: number }>>) {
  const budget = new SandboxBudget();
  const read: Record<string, number> = {};
  for (let step = 0; step < SECONDS * STEPS_PER_SECOND; step++) {
    for (const [sandbox, { recordBytes, records }] of Object.entries(wants)) {
      for (let record = 0; record < records; record++) {
        const isRead = budget.take(sandbox, recordBytes, 1_000_000 + (step * 1000) / STEPS_PER_SECOND);
        read[sandbox] = (read[sandbox] ?? 0) + (isRead ? recordBytes / SECONDS : 0);
      }
    }
  }
  return read;
}

const all = (read: Record<string, number>): number =>
  Object.values(read).reduce((sum, bytes) => sum + bytes, 0);

describe("how much of sandboxes' telemetry is looked into", () => {
  test("one that wants little has all of it read, however many want more than there is", () => {
    const hostile = Array.from({ length: 50 }, (_, index) => [
      `hostile-${index}`,
      { recordBytes: 16 * KIB, records: 4 },
    ]);
    const modest = { recordBytes: 500, records: 1 };
    const read = readOf({ ...Object.fromEntries(hostile), modest });
    assert.ok(Math.abs((read.modest ?? 0) - 500 * STEPS_PER_SECOND) < 1, String(read.modest));
  });

  test("those that want more have the same, and all together no more than there is", () => {
    const names = Array.from({ length: 8 }, (_, index) => `sandbox-${index}`);
    const read = readOf(
      Object.fromEntries(names.map((name) => [name, { recordBytes: 4 * KIB, records: 10 }])),
    );
    // A burst of two seconds is added to ten.
    for (const name of names) assert.ok((read[name] ?? 0) >= MIB / 2, `${name}: ${read[name]}`);
    assert.ok(all(read) <= 4 * MIB * 1.5, String(all(read)));
  });

  test("one sandbox has its own limit, also when it is alone, and what the others leave up to that", () => {
    const busy = { recordBytes: 64 * KIB, records: 2 };
    const alone = readOf({ busy });
    assert.ok((alone.busy ?? 0) >= MIB && (alone.busy ?? 0) <= 1.3 * MIB, String(alone.busy));
    const quiet = Array.from({ length: 20 }, (_, index) => [
      `quiet-${index}`,
      { recordBytes: 100, records: 1 },
    ]);
    const beside = readOf({ busy, ...Object.fromEntries(quiet) });
    assert.ok((beside.busy ?? 0) >= MIB, String(beside.busy));
  });
});
