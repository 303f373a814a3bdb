import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DurableLog } from "./durable-log.ts";
import { onEnd, openTestLog, readAll, seededRandom, temporaryDirectory } from "./testing/test-log.ts";

/** Of records that are written at once. */
const LARGE_BYTES = 40_000;

for (const durability of ["process", "power"] as const) {
  test(`large records keep their order among small ones, and need their memory no longer than the call (${durability})`, async (t) => {
    const dir = temporaryDirectory(t);
    const options = { dir, durability, segmentBytes: 400_000, recentBytes: 150_000, holdsForeignBytes: true };
    const { log } = await openTestLog(t, options);
    const random = seededRandom(3);
    const expected: string[] = [];
    const memory = Buffer.alloc(3 * LARGE_BYTES);
    while (expected.length < 120) {
      const appends: Promise<unknown>[] = [];
      for (let i = 1 + random(5); i > 0; i--) {
        const head = Buffer.from(`head ${expected.length} `);
        const length = random(2) === 0 ? random(200) : LARGE_BYTES + random(2 * LARGE_BYTES);
        const payload = memory.subarray(0, length).fill(`payload ${expected.length} `);
        expected.push(`${head}${payload.toString("latin1")}`);
        appends.push(log.enqueue(payload, head));
        memory.fill(0);
      }
      await Promise.all(appends);
      assert.equal(log.lastPosition, expected.length);
    }
    assert.deepEqual(await textsOf(log), expected);
    await log.close();
    const { log: again } = await openTestLog(t, options);
    assert.deepEqual(again.recovery, { truncatedBytes: 0, corruptRecords: 0 });
    assert.deepEqual(await textsOf(again), expected);
    assert.equal(again.nextPosition, expected.length + 1);
  });
}

test("a disk that is too full for a large record refuses it with those of its turn, and nothing of them stays", {
  skip: process.getuid?.() === 0 ? false : "mounting a small tmpfs needs root",
}, async (t) => {
  const disk = temporaryDirectory(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
  onEnd(t, () => execFileSync("umount", [disk]));
  const [dir, ballast] = [join(disk, "log"), join(disk, "ballast")];
  writeFileSync(ballast, Buffer.alloc(100_000));
  const { log, problems } = await openTestLog(t, { dir, recentBytes: 1_000_000 });
  await log.append("first");
  const small = log.append("small");
  const full = { code: "LOG_UNAVAILABLE", message: /ENOSPC/ };
  assert.throws(() => log.enqueue(Buffer.alloc(200_000, "x")), full);
  await assert.rejects(small, full);
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    ["write_failed"],
  );
  assert.equal(log.nextPosition, 2);
  rmSync(ballast);
  assert.equal(await log.append(Buffer.alloc(LARGE_BYTES, "y")), 2);
  await assert.rejects(log.append(Buffer.alloc(17 * 1024 * 1024)), { code: "PAYLOAD_TOO_LARGE" });
  assert.equal(await log.append("last"), 3);
  assert.deepEqual(await textsOf(log), ["first", "y".repeat(LARGE_BYTES), "last"]);
});

async function textsOf(log: DurableLog): Promise<string[]> {
  const items = await readAll(log);
  return items.map((item) => ("gap" in item ? "gap" : item.payload.toString("latin1")));
}
