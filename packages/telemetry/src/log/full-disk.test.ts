import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { onEnd, openTestLog, readAll, summarize, temporaryDirectory } from "./testing/test-log.ts";

const skip = process.getuid?.() === 0 ? false : "mounting a small tmpfs needs root";

function mountSmallDisk(t: TestContext, size: string): string {
  const dir = temporaryDirectory(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir]);
  onEnd(t, () => execFileSync("umount", [dir]));
  return dir;
}

for (const segmentBytes of [64 * 1024 * 1024, 8 * 1024]) {
  test(`a full disk refuses appends with a hint, tears nothing, and service resumes when there is room (segments of ${segmentBytes} bytes)`, {
    skip,
  }, async (t) => {
    const disk = mountSmallDisk(t, "256k");
    const dir = join(disk, "log");
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(100 * 1024));
    const dropped: number[] = [];
    const { log, problems } = await openTestLog(t, {
      dir,
      segmentBytes,
      onDrop: (first, count) => dropped.push(first, count),
    });
    const accepted: number[] = [];
    let refusals = 0;
    const appendBatch = async (): Promise<void> => {
      const batch = Array.from({ length: 7 }, (_, i) =>
        log.append(`record ${log.nextPosition} ${"x".repeat(100 * i)}`),
      );
      for (const outcome of await Promise.allSettled(batch)) {
        if (outcome.status === "fulfilled") {
          accepted.push(outcome.value);
          continue;
        }
        refusals += 1;
        assert.ok(outcome.reason instanceof SandglassError);
        assert.equal(outcome.reason.code, "LOG_UNAVAILABLE");
        assert.match(outcome.reason.message, /ENOSPC/);
        assert.match(outcome.reason.hint ?? "", /make room/);
      }
    };
    while (refusals < 30) await appendBatch();
    const acceptedWhenFull = accepted.length;
    assert.deepEqual(summarize(await readAll(log)), accepted);
    assert.ok(problems.length > 0 && problems.every(({ kind }) => kind === "write_failed"));
    assert.equal(dropped[0], accepted.at(-1)! + 1 - (accepted.length - dropped[0]! + 1));

    rmSync(ballast);
    while (accepted.length < acceptedWhenFull + 50) await appendBatch();
    assert.deepEqual(
      accepted,
      Array.from({ length: accepted.length }, (_, i) => i + 1),
      "no position was lost or given twice",
    );
    assert.deepEqual(summarize(await readAll(log)), accepted);
    await log.close();

    const { log: again } = await openTestLog(t, { dir, segmentBytes });
    assert.deepEqual(again.recovery, { truncatedBytes: 0, corruptRecords: 0 });
    assert.deepEqual(summarize(await readAll(again)), accepted);
  });
}

test("a disk too full for the first segment keeps the log from opening, with the reason, and leaves it unlocked", {
  skip,
}, async (t) => {
  const disk = mountSmallDisk(t, "64k");
  const dir = join(disk, "log");
  const ballast = join(disk, "ballast");
  const { log } = await openTestLog(t, { dir });
  await log.close();
  rmSync(join(dir, "00000000000000000001.seg"));
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(128 * 1024)), { code: "ENOSPC" });
  await assert.rejects(openTestLog(t, { dir }), { code: "ENOSPC" });
  rmSync(ballast);
  const { log: again } = await openTestLog(t, { dir });
  assert.equal(await again.append("room"), 1);
});
