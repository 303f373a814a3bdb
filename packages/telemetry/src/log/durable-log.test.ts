import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { SandglassError } from "@sandglass/protocol";
import { DurableLog } from "./durable-log.ts";
import { MAX_PAYLOAD_BYTES } from "./frame.ts";
import {
  appendMany,
  openTestLog,
  readAll,
  segmentFiles,
  summarize,
  temporaryDirectory,
  textAt,
} from "./testing/test-log.ts";

for (const durability of ["process", "power"] as const) {
  test(`records appended with durability ${durability} are numbered from 1 and read back in order`, async (t) => {
    const { log } = await openTestLog(t, { dir: temporaryDirectory(t), durability });
    const positions = await Promise.all([
      log.append("one"),
      log.append(Buffer.from("two")),
      log.append("drei 💡"),
    ]);
    assert.deepEqual(positions, [1, 2, 3]);
    const items = await readAll(log);
    assert.deepEqual(summarize(items), [1, 2, 3]);
    assert.deepEqual(
      items.map((item) => "payload" in item && item.payload.toString()),
      ["one", "two", "drei 💡"],
    );
    assert.deepEqual(summarize(await readAll(log, 2)), [2, 3]);
  });

  test(`an acknowledged record is in the file at once with durability ${durability}`, async (t) => {
    const dir = temporaryDirectory(t);
    const { log } = await openTestLog(t, { dir, durability });
    await log.append("now");
    assert.ok(readFileSync(segmentFiles(dir)[0]!).includes("now"));
  });
}

test("positions go on after a restart, and the directory can be opened again", async (t) => {
  const dir = temporaryDirectory(t);
  for (let round = 0; round < 3; round++) {
    const log = await DurableLog.open({ dir, segmentBytes: 300 });
    assert.deepEqual(log.recovery, { truncatedBytes: 0, corruptRecords: 0 });
    assert.equal(log.lastPosition, round * 10);
    await appendMany(log, 10);
    assert.deepEqual(
      summarize(await readAll(log)),
      Array.from({ length: (round + 1) * 10 }, (_, i) => i + 1),
    );
    await log.close();
  }
});

test("appends of one turn become readable together and before their promises resolve", async (t) => {
  const commits: [number, number][] = [];
  const { log } = await openTestLog(t, {
    dir: temporaryDirectory(t),
    onCommit: (first, count) => commits.push([first, count]),
  });
  const appends = Array.from({ length: 100 }, (_, i) => log.append(`record ${i}`));
  assert.deepEqual(commits, []);
  await appends[0];
  assert.deepEqual(commits, [[1, 100]]);
  assert.equal(log.lastPosition, 100);
});

test("segments stay below their size, whatever the batches, and a longer record gets one of its own", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir, segmentBytes: 1000 });
  await Promise.all(Array.from({ length: 50 }, (_, i) => log.append("x".repeat(i))));
  await log.append("y".repeat(5000));
  await log.append("z");
  const sizes = segmentFiles(dir).map((file) => readFileSync(file).length);
  assert.deepEqual(sizes.filter((size) => size > 1000).length, 1);
  assert.deepEqual(
    summarize(await readAll(log)),
    Array.from({ length: 52 }, (_, i) => i + 1),
  );
  assert.equal(log.stats().segments, sizes.length);
  assert.equal(
    log.stats().bytes,
    sizes.reduce((sum, size) => sum + size, 0),
  );
});

test("a record above 16 MiB is refused and the next one is not", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  await assert.rejects(log.append("x".repeat(MAX_PAYLOAD_BYTES + 1)), { code: "PAYLOAD_TOO_LARGE" });
  await assert.rejects(log.append("€".repeat(MAX_PAYLOAD_BYTES / 2)), { code: "PAYLOAD_TOO_LARGE" });
  assert.equal(await log.append("x".repeat(MAX_PAYLOAD_BYTES)), 1);
  assert.equal(await log.append("small"), 2);
  assert.deepEqual(summarize(await readAll(log)), [1, 2]);
});

test("a segment of a newer format version is refused with a message that says so", async (t) => {
  const dir = temporaryDirectory(t);
  const log = await DurableLog.open({ dir });
  await log.append("one");
  await log.close();
  const [file] = segmentFiles(dir);
  const bytes = readFileSync(file!);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  writeFileSync(file!, bytes);
  await assert.rejects(DurableLog.open({ dir }), (error) => {
    assert.ok(error instanceof SandglassError);
    assert.equal(error.code, "LOG_UNAVAILABLE");
    assert.match(error.message, /format version 2; this build reads version 1/);
    assert.match(error.hint ?? "", /release/);
    return true;
  });
  // The refusal did not keep the lock.
  bytes.writeUInt32LE(1, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  writeFileSync(file!, bytes);
  const again = await DurableLog.open({ dir });
  assert.equal(again.lastPosition, 1);
  await again.close();
});

test("a closed log takes nothing more, and closing twice is closing once", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  const last = log.append("last");
  await Promise.all([log.close(), log.close()]);
  assert.equal(await last, 1);
  await assert.rejects(log.append("late"), { code: "LOG_UNAVAILABLE" });
});

for (const durability of ["process", "power"] as const) {
  test(`a sync that fails moves the log to a new segment and is reported (${durability})`, async (t) => {
    const dir = temporaryDirectory(t);
    let isDiskBroken = false;
    const synced = Promise.withResolvers<void>();
    const { log, problems } = await openTestLog(t, {
      dir,
      durability,
      syncFile: async () => {
        if (isDiskBroken) throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
      },
      onProblem: (problem) => {
        problems.push(problem);
        synced.resolve();
      },
    });
    await log.append("one");
    isDiskBroken = true;
    const second = log.append("two");
    if (durability === "power") await assert.rejects(second, { code: "LOG_UNAVAILABLE", message: /EIO/ });
    else await second;
    await synced.promise;
    isDiskBroken = false;
    // What was refused is not there: its position is given again.
    const next = durability === "power" ? 2 : 3;
    assert.equal(await log.append(textAt(next)), next);
    assert.equal(segmentFiles(dir).length, 2);
    const [problem] = problems;
    assert.ok(problem?.kind === "sync_failed");
    assert.equal(problem.to, 2);
    assert.deepEqual(summarize(await readAll(log)), durability === "power" ? [1, 2] : [1, 2, 3]);
    assert.equal(log.stats().syncErrors, 1);
    await log.close();
    const { log: again } = await openTestLog(t, { dir });
    assert.equal(again.lastPosition, next);
  });
}
