import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../log/testing/test-log.ts";
import { batchOf, eventAt } from "./testing/batches.ts";
import {
  namesIn,
  positionsIn,
  positionsOf,
  range,
  settingsOf,
  TestExporter,
} from "./testing/test-exporter.ts";

test("what was written behind the last commit is cut when the file is opened again, a torn line with it", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  await exporter.attempt(batchOf(11, 20));
  appendFileSync(path, eventAt(21).payload.subarray(0, 50));
  await exporter.reopen();
  assert.deepEqual(positionsOf(path), range(1, 10));
  await exporter.deliver(batchOf(11, 15));
  assert.deepEqual(positionsOf(path), range(1, 15));
});

test("the first batch of all, cut short before it was committed, is not there twice; what stood before it stays", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  writeFileSync(path, '{"of":"somebody else"}\n');
  const exporter = await TestExporter.open(t, settingsOf(path, { rotateSizeBytes: 1 }));
  await exporter.attempt(batchOf(1, 10));
  truncateSync(path, statSync(path).size - 25);
  await exporter.reopen();
  await exporter.deliver(batchOf(1, 20));
  const lines = range(1, 20).map((position) => `${eventAt(position).payload}\n`);
  assert.equal(readFileSync(path, "utf8"), `{"of":"somebody else"}\n${lines.join("")}`);
});

test("a batch that was put aside before it was committed is cut off there, wherever the rename was interrupted", async (t) => {
  for (const isNewMade of [true, false]) {
    const dir = temporaryDirectory(t);
    const path = join(dir, "events.jsonl");
    const exporter = await TestExporter.open(t, settingsOf(path, { rotateSizeBytes: 3000, gzip: true }));
    await exporter.deliver(batchOf(1, 2, 0));
    await exporter.attempt(batchOf(3, 8, 0));
    assert.equal(namesIn(dir).length, 2);
    if (!isNewMade) rmSync(path);
    await exporter.reopen();
    await exporter.deliver(batchOf(3, 4));
    await exporter.deliver(batchOf(5, 8));
    await exporter.shutdown();
    assert.deepEqual(positionsIn(dir), range(1, 8));
  }
});

test("a file that was new at the last commit, and put aside by the batch after that, leaves nothing behind", async (t) => {
  const dir = temporaryDirectory(t);
  const exporter = await TestExporter.open(t, settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes: 1 }));
  for (const position of [1, 2, 3]) await exporter.deliver(batchOf(position, position));
  const before = namesIn(dir);
  await exporter.attempt(batchOf(4, 4));
  assert.equal(namesIn(dir).length, before.length + 1);
  await exporter.reopen();
  assert.equal(namesIn(dir).length, before.length);
  await exporter.deliver(batchOf(4, 5));
  assert.deepEqual(positionsIn(dir), range(1, 5));
});

test("a batch in a file that was new at the last commit is not there twice", async (t) => {
  const dir = temporaryDirectory(t);
  const exporter = await TestExporter.open(
    t,
    settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes: 3000 }),
  );
  await exporter.deliver(batchOf(1, 2, 0));
  await exporter.deliver(batchOf(3, 8, 0));
  assert.deepEqual(positionsOf(join(dir, "events.jsonl")), []);
  await exporter.attempt(batchOf(9, 10));
  await exporter.reopen();
  // The events come in other batches than before.
  await exporter.deliver(batchOf(9, 9));
  await exporter.deliver(batchOf(10, 11));
  assert.deepEqual(positionsIn(dir), range(1, 11));
});

test("our file is found and cut where another tool renamed it while nobody looked", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  await exporter.attempt(batchOf(11, 20));
  renameSync(path, join(dir, "archive"));
  writeFileSync(path, "");
  await exporter.reopen();
  await exporter.deliver(batchOf(11, 20));
  assert.deepEqual(positionsOf(join(dir, "archive")), range(1, 10));
  assert.deepEqual(positionsOf(path), range(11, 20));
});

for (const way of ["rename", "copy"] as const) {
  test(`the first batch after another tool's ${way}, cut short before it was committed, is not there twice`, async (t) => {
    const path = join(temporaryDirectory(t), "events.jsonl");
    const exporter = await TestExporter.open(t, settingsOf(path, { rotateSizeBytes: 1_500 }));
    await exporter.deliver(batchOf(1, 3, 0));
    if (way === "rename") renameSync(path, `${path}.1`);
    else {
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    }
    await exporter.attempt(batchOf(4, 10, 0));
    appendFileSync(path, eventAt(11).payload.subarray(0, 5));
    await exporter.reopen();
    await exporter.deliver(batchOf(4, 7, 0));
    assert.deepEqual(positionsOf(`${path}.1`), range(1, 3));
    await exporter.deliver(batchOf(8, 11, 0));
    const rest = namesIn(join(path, "..")).filter((name) => !name.endsWith(".1"));
    assert.deepEqual(
      rest.flatMap((name) => positionsOf(join(path, "..", name))),
      range(4, 11),
    );
  });
}

test("a directory that was copied to another place is continued there as if nothing had been", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  await exporter.attempt(batchOf(11, 20));
  mkdirSync(join(dir, "new"));
  copyFileSync(path, join(dir, "new/events.jsonl"));
  await exporter.reopen({ path: join(dir, "new/events.jsonl") });
  assert.deepEqual(positionsOf(join(dir, "new/events.jsonl")), range(1, 10));
});

test("where the path was changed, the old file loses what is written to the new one", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  await exporter.attempt(batchOf(11, 20));
  await exporter.reopen({ path: join(dir, "new/events.jsonl"), append: false });
  await exporter.deliver(batchOf(11, 20));
  assert.deepEqual(positionsOf(path), range(1, 10));
  assert.deepEqual(positionsOf(join(dir, "new/events.jsonl")), range(11, 20));
});

test("another file in the place of ours is left as it is, also where it is longer and has our inode", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 2));
  await exporter.shutdown();
  const notes = "a line of notes\n".repeat(200);
  writeFileSync(path, notes); // keeps the inode
  await exporter.reopen();
  await exporter.deliver(batchOf(3, 3));
  assert.equal(readFileSync(path, "utf8"), `${notes}${eventAt(3).payload}\n`);
});

test("a file that lost its end, as after a loss of power, loses the torn line and goes on", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  truncateSync(path, statSync(path).size - 40);
  await exporter.reopen();
  await exporter.deliver(batchOf(11, 12));
  assert.deepEqual(positionsOf(path), [...range(1, 9), 11, 12]);
});

test("a checkpoint that says nothing is as good as none, but empties no file", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path, { append: false }));
  await exporter.deliver(batchOf(1, 2));
  exporter.checkpoint = { length: -1, ino: 7 };
  await exporter.reopen();
  await exporter.deliver(batchOf(3, 3));
  assert.deepEqual(positionsOf(path), [1, 2, 3]);
});
