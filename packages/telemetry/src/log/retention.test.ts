import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { DurableLog } from "./durable-log.ts";
import { countExpired } from "./retention.ts";
import { Segment } from "./segment.ts";
import {
  appendMany,
  collect,
  openTestLog,
  readAll,
  segmentFiles,
  summarize,
  temporaryDirectory,
} from "./testing/test-log.ts";

function segmentsOf(count: number): Segment[] {
  return Array.from({ length: count }, (_, i) => new Segment(`segment ${i}`, 1 + i * 10, i * 1000, 100));
}

test("without limits nothing goes", () => {
  assert.equal(countExpired(segmentsOf(5), [], {}, 1e12), 0);
});

test("size takes the oldest until the rest fits, unread or not, and never the last", () => {
  const unread = [{ name: "slow", nextPosition: 1 }];
  assert.equal(countExpired(segmentsOf(5), unread, { maxBytes: 300 }, 0), 2);
  assert.equal(countExpired(segmentsOf(5), [], { maxBytes: 500 }, 0), 0);
  assert.equal(countExpired(segmentsOf(5), [], { maxBytes: 1 }, 0), 4);
});

test("age takes what is old and read, and waits for the slowest reader", () => {
  // Segment i was left at (i + 1) seconds; at 4.5 s those left before 2.5 s are too old.
  const limits = { maxAgeMs: 2000 };
  assert.equal(countExpired(segmentsOf(5), [], limits, 4500), 2);
  assert.equal(countExpired(segmentsOf(5), [{ name: "slow", nextPosition: 15 }], limits, 4500), 1);
  assert.equal(countExpired(segmentsOf(5), [{ name: "slow", nextPosition: 1 }], limits, 4500), 0);
  assert.equal(countExpired(segmentsOf(5), [{ name: "done", nextPosition: 51 }], limits, 4500), 2);
});

test("age goes by the clock's best word: a segment is no older than those in front of it", () => {
  const times = [5000, 6000, 0, 7000, 8000];
  const segments = times.map((createdAt, i) => new Segment(`segment ${i}`, 1 + i * 10, createdAt, 100));
  assert.equal(countExpired(segments, [], { maxAgeMs: 2000 }, 7500), 0);
});

test("the size limit holds on disk, and a lagging named reader is told what it lost", async (t) => {
  const dir = temporaryDirectory(t);
  const { log, problems } = await openTestLog(t, { dir, segmentBytes: 1000, retention: { maxBytes: 5000 } });
  const reader = log.readerAt("slow");
  await appendMany(log, 10);
  await reader.commit(10);
  await appendMany(log, 990);
  const size = segmentFiles(dir).reduce((sum, file) => sum + statSync(file).size, 0);
  assert.ok(size <= 6000, `${size} bytes`);
  const { oldestPosition } = log;
  assert.ok(oldestPosition > 11);
  const items = (await collect(reader.batches({ follow: false }))).flat();
  assert.deepEqual(items[0], { gap: { from: 11, to: oldestPosition - 1, reason: "retention" } });
  assert.deepEqual(
    summarize(items.slice(1)),
    Array.from({ length: 1001 - oldestPosition }, (_, i) => oldestPosition + i),
  );
  assert.equal(reader.gapRecords, oldestPosition - 11);
  const removed = problems.filter((problem) => problem.kind === "unread_removed");
  assert.ok(removed.every(({ readers }) => readers.includes("slow")));
  assert.equal(removed.at(-1)?.to, oldestPosition - 1);
});

test("a live reader in the middle of a removed segment reads it to its end and gets one gap for the rest", async (t) => {
  const { log } = await openTestLog(t, {
    dir: temporaryDirectory(t),
    segmentBytes: 1000,
    retention: { maxBytes: 4000 },
  });
  await appendMany(log, 40);
  const items: (number | string)[] = [];
  for await (const item of log.read({ to: 40 })) {
    items.push(...summarize([item]));
    if (items.length === 1) await appendMany(log, 1000);
  }
  const whole = items.filter((item) => typeof item === "number");
  assert.ok(whole.length > 1 && whole.length < 40);
  assert.deepEqual(items, [
    ...Array.from({ length: whole.length }, (_, i) => i + 1),
    `${whole.length + 1}-40 retention`,
  ]);
});

test("what an unopened named reader has not read is kept from age after a restart", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await DurableLog.open({ dir, segmentBytes: 500 });
  await appendMany(first, 100);
  await first.readerAt("exporter").commit(40);
  await first.close();
  const aged = { dir, segmentBytes: 500, retention: { maxAgeMs: -1 } };
  const second = await DurableLog.open(aged);
  assert.ok(second.oldestPosition > 1 && second.oldestPosition <= 41);
  assert.deepEqual(summarize(await readAll(second, 41)).slice(0, 2), [41, 42]);
  await second.removeReader("exporter");
  await second.close();
  const third = await DurableLog.open(aged);
  assert.equal(third.stats().segments, 1);
  await third.close();
});
