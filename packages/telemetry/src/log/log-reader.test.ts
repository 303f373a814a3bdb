import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { DurableLog } from "./durable-log.ts";
import type { LogItem } from "./log-reader.ts";
import {
  appendMany,
  collect,
  openTestLog,
  readAll,
  seededRandom,
  segmentFiles,
  summarize,
  temporaryDirectory,
  textAt,
} from "./testing/test-log.ts";

/** Follows until it was given position `last`. */
async function follow(log: DurableLog, from: number, last: number): Promise<LogItem[]> {
  const items: LogItem[] = [];
  for await (const item of log.read({ from, follow: true })) {
    items.push(item);
    if ("position" in item && item.position >= last) break;
  }
  return items;
}

for (const durability of ["process", "power"] as const) {
  test(`followers see every record exactly once while segments roll (${durability})`, async (t) => {
    const dir = temporaryDirectory(t);
    const { log } = await openTestLog(t, { dir, durability, segmentBytes: 5_000 });
    const random = seededRandom(5);
    const total = 3000;
    const early = follow(log, 1, total);
    let late: Promise<LogItem[]> | undefined;
    while (log.nextPosition <= total) {
      const appends: Promise<number>[] = [];
      for (let i = 1 + random(60); i > 0 && log.nextPosition <= total; i--) {
        appends.push(log.append(textAt(log.nextPosition, "record", random(200))));
      }
      await Promise.all(appends);
      if (log.lastPosition > total / 2) late ??= follow(log, 1000, total);
    }
    assert.deepEqual(
      summarize(await early),
      Array.from({ length: total }, (_, i) => i + 1),
    );
    assert.deepEqual(
      summarize(await late!),
      Array.from({ length: total - 999 }, (_, i) => i + 1000),
    );
    assert.ok(segmentFiles(dir).length > 50);
  });
}

test("following ends without an error when the signal is aborted, while waiting too", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  await appendMany(log, 2);
  const abort = new AbortController();
  const items: LogItem[] = [];
  for await (const item of log.read({ follow: true, signal: abort.signal })) {
    items.push(item);
    if (items.length === 2) setImmediate(() => abort.abort());
  }
  assert.deepEqual(summarize(items), [1, 2]);
  assert.deepEqual(await collect(log.read({ follow: true, signal: AbortSignal.abort() })), []);
});

test("closing the log lets followers have its last records, then ends them", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  const items = collect(log.read({ follow: true }));
  await log.append("one");
  void log.append("two");
  await log.close();
  assert.deepEqual(summarize(await items), [1, 2]);
});

test("reading without follow ends at what was the last record when it began", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t), segmentBytes: 200 });
  await appendMany(log, 20);
  const seen: number[] = [];
  for await (const item of log.read()) {
    if ("position" in item) seen.push(item.position);
    await log.append("more");
  }
  assert.equal(seen.length, 20);
});

test("any range can be read, also across chunks and segments", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t), segmentBytes: 700_000 });
  await Promise.all(Array.from({ length: 3000 }, (_, i) => log.append(textAt(i + 1, "record", 700))));
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const from = 1 + random(3000);
    const to = from + random(3001 - from);
    const items = await collect(log.read({ from, to }));
    assert.deepEqual(
      summarize(items),
      Array.from({ length: to - from + 1 }, (_, i) => from + i),
    );
    for (const item of items)
      if ("payload" in item) assert.equal(item.payload.toString(), textAt(item.position, "record", 700));
  }
});

test("a record longer than a chunk is read whole, and one whose length is damaged costs only itself", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir });
  await log.append("first");
  await log.append("x".repeat(3_000_000));
  await log.append("third");
  await appendMany(log, 1000, "record", 1000);
  const items = await readAll(log);
  assert.equal(items.length, 1003);
  const long = items[1]!;
  assert.ok("payload" in long && long.payload.length === 3_000_000);
  const [file] = segmentFiles(dir);
  const bytes = readFileSync(file!);
  // The third record now says it is 15 MiB long.
  bytes.writeUInt32LE(15 * 1024 * 1024, bytes.indexOf("third") - 16);
  writeFileSync(file!, bytes);
  const damaged = summarize(await readAll(log));
  assert.deepEqual(damaged.slice(0, 4), [1, 2, "3-3 corrupt", 4]);
  assert.equal(damaged.at(-1), 1003);
  assert.equal(log.stats().corruptRecords, 1);
});

test("damage that comes while the log is open reaches followers as a gap, and they go on", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir });
  await appendMany(log, 5);
  const [file] = segmentFiles(dir);
  const bytes = readFileSync(file!);
  bytes.fill(0, bytes.indexOf(textAt(4)) - 20);
  writeFileSync(file!, bytes);
  const items = follow(log, 1, 6);
  await log.append(textAt(6));
  assert.deepEqual(summarize(await items), [1, 2, 3, "4-5 corrupt", 6]);
});
