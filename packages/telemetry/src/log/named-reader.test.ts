import assert from "node:assert/strict";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DurableLog } from "./durable-log.ts";
import {
  appendMany,
  collect,
  openTestLog,
  segmentFiles,
  summarize,
  temporaryDirectory,
} from "./testing/test-log.ts";

test("a named reader continues behind what it committed, across restarts", async (t) => {
  const dir = temporaryDirectory(t);
  for (const [committed, durability] of [
    [0, "process"],
    [7, "power"],
    [14, "process"],
  ] as const) {
    const { log } = await openTestLog(t, { dir, durability });
    const reader = log.readerAt("exporter");
    assert.equal(reader.committed, committed);
    await appendMany(log, 10);
    const items = (await collect(reader.batches({ follow: false }))).flat();
    assert.equal(summarize(items)[0], committed + 1);
    assert.equal(reader.lag, log.lastPosition - committed);
    await reader.commit(committed + 7);
    assert.equal(reader.lag, log.lastPosition - committed - 7);
    await log.close();
  }
});

test("a new reader may begin at the end", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  await appendMany(log, 3);
  assert.equal(log.readerAt("tail", { from: "end" }).committed, 3);
  assert.equal(log.readerAt("all").committed, 0);
  assert.equal(log.readerAt("all"), log.readerAt("all"));
});

test("commits beside each other leave the highest in the file and no other file", async (t) => {
  const dir = temporaryDirectory(t);
  const { log } = await openTestLog(t, { dir });
  await appendMany(log, 50);
  const reader = log.readerAt("busy");
  await Promise.all(Array.from({ length: 50 }, (_, i) => reader.commit(i + 1)));
  await reader.commit(3);
  assert.equal(reader.committed, 50);
  assert.deepEqual(readdirSync(join(dir, "cursors")), ["busy.json"]);
  assert.deepEqual(JSON.parse(readFileSync(join(dir, "cursors", "busy.json"), "utf8")), {
    position: 50,
    gapRecords: 0,
  });
});

test("a position behind the log's end cannot be committed, and a name unfit for a file is refused", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  await appendMany(log, 2);
  await assert.rejects(log.readerAt("x").commit(3), { code: "INVALID_CURSOR" });
  for (const name of ["", "../up", "a/b", ".hidden", "x".repeat(101)]) {
    assert.throws(() => log.readerAt(name), { code: "INVALID_REQUEST" });
  }
});

test("a cursor that cannot be understood starts over rather than skip, and says so", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await DurableLog.open({ dir });
  await appendMany(first, 5);
  await first.readerAt("exporter").commit(5);
  await first.close();
  for (const content of [
    "",
    "{",
    "null",
    '{"position":"5"}',
    '{"position":1e99,"gapRecords":0}',
    "\0\0\0\0",
  ]) {
    writeFileSync(join(dir, "cursors", "exporter.json"), content);
    const { log, problems } = await openTestLog(t, { dir });
    assert.equal(log.readerAt("exporter").committed, 0, JSON.stringify(content));
    assert.deepEqual(problems, [{ kind: "cursor_reset", reader: "exporter", position: 0 }]);
    await log.close();
  }
});

test("a cursor ahead of a log whose tail was lost goes back, so that new records of the same positions are read", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await DurableLog.open({ dir });
  await appendMany(first, 5);
  await first.readerAt("exporter").commit(5);
  await first.close();
  const file = segmentFiles(dir)[0]!;
  truncateSync(file, readFileSync(file).length - 40);
  const { log, problems } = await openTestLog(t, { dir });
  const lost = 5 - log.lastPosition;
  assert.ok(lost > 0);
  assert.deepEqual(problems.at(-1), { kind: "cursor_reset", reader: "exporter", position: log.lastPosition });
  await log.append("new");
  const items = (await collect(log.readerAt("exporter").batches({ follow: false }))).flat();
  assert.deepEqual(summarize(items), [log.lastPosition]);
});

test("one name is read by one at a time", async (t) => {
  const { log } = await openTestLog(t, { dir: temporaryDirectory(t) });
  await appendMany(log, 1);
  const reader = log.readerAt("x");
  for await (const _items of reader.batches({ follow: false })) {
    await assert.rejects(reader.batches().next(), /being read already/);
  }
  assert.equal((await collect(reader.batches({ follow: false }))).length, 1);
});
