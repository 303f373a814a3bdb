import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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
  textOf,
} from "./testing/test-exporter.ts";

test("each event is the log's bytes and a newline, in a file and directories that only the owner can read", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "a/b/events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 3));
  await exporter.deliver(batchOf(4, 4));
  await exporter.shutdown();
  const lines = range(1, 4).map((position) => `${eventAt(position).payload}\n`);
  assert.equal(readFileSync(path, "utf8"), lines.join(""));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, "a/b")).mode & 0o777, 0o700);
});

test("the mode that was asked for holds whatever the umask, for rotated and compressed files too", async (t) => {
  const dir = temporaryDirectory(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const settings = settingsOf(join(dir, "events.jsonl"), { mode: 0o644, rotateSizeBytes: 1, gzip: true });
  const exporter = await TestExporter.open(t, settings);
  for (const position of range(1, 4)) await exporter.deliver(batchOf(position, position));
  await exporter.shutdown();
  const names = namesIn(dir);
  assert.ok(names.some((name) => name.endsWith(".gz")));
  for (const name of names) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o644, name);
});

test("what is there stays with append, and a last line without an end gets one", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  writeFileSync(path, "a note\nand half a no");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 2));
  await exporter.shutdown();
  assert.equal(
    readFileSync(path, "utf8"),
    `a note\nand half a no\n${eventAt(1).payload}\n${eventAt(2).payload}\n`,
  );
});

test("without append the file is emptied when it is opened for the first time, and continued from then on", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  writeFileSync(path, "of the run before\n");
  const exporter = await TestExporter.open(t, settingsOf(path, { append: false }));
  await exporter.deliver(batchOf(1, 2));
  await exporter.shutdown();
  await exporter.reopen();
  await exporter.deliver(batchOf(3, 4));
  await exporter.shutdown();
  assert.deepEqual(positionsOf(path), [1, 2, 3, 4]);
});

test("a batch that is given again stands there once, also where it was cut smaller or grew meanwhile", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 2));
  await exporter.attempt(batchOf(3, 6));
  await exporter.attempt(batchOf(3, 6));
  await exporter.attempt(batchOf(3, 4));
  await exporter.deliver(batchOf(3, 8));
  await exporter.deliver(batchOf(9, 9));
  await exporter.shutdown();
  assert.deepEqual(positionsOf(path), range(1, 9));
});

test("a batch is taken back also out of a file that was put aside behind it", async (t) => {
  const dir = temporaryDirectory(t);
  const exporter = await TestExporter.open(t, settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes: 1 }));
  await exporter.deliver(batchOf(1, 2));
  await exporter.attempt(batchOf(3, 4));
  assert.equal(namesIn(dir).length, 2);
  await exporter.deliver(batchOf(3, 4));
  await exporter.deliver(batchOf(5, 6));
  await exporter.shutdown();
  assert.deepEqual(positionsIn(dir), range(1, 6));
});

test("nothing is written for one who has given up, and batches that overlap are written one after the other", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  const ended = AbortSignal.abort();
  const results = await Promise.all([
    exporter.attempt(batchOf(1, 500)),
    exporter.attempt(batchOf(501, 1000), ended),
    exporter.attempt(batchOf(501, 600)),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["ok", "retry", "ok"],
  );
  await exporter.shutdown();
  assert.deepEqual(positionsOf(path), range(1, 600));
});

test("a link is followed: its target is written, put aside and made anew beside itself", async (t) => {
  const dir = temporaryDirectory(t);
  const link = join(temporaryDirectory(t), "link.jsonl");
  symlinkSync(join(dir, "events.jsonl"), link);
  const exporter = await TestExporter.open(t, settingsOf(link, { rotateSizeBytes: 1 }));
  for (const position of range(1, 4)) await exporter.deliver(batchOf(position, position));
  await exporter.shutdown();
  assert.ok(namesIn(dir).length > 2, namesIn(dir).join());
  assert.deepEqual(positionsIn(dir), range(1, 4));
  assert.equal(textOf(link), textOf(join(dir, "events.jsonl")));
});

test("with fsync the same is written, rotated and continued", async (t) => {
  const dir = temporaryDirectory(t);
  const settings = settingsOf(join(dir, "events.jsonl"), { fsync: true, rotateSizeBytes: 2000 });
  const exporter = await TestExporter.open(t, settings);
  for (const position of range(1, 10)) await exporter.deliver(batchOf(position, position));
  await exporter.shutdown();
  await exporter.reopen();
  await exporter.deliver(batchOf(11, 12));
  await exporter.shutdown();
  assert.ok(namesIn(dir).length > 1);
  assert.deepEqual(positionsIn(dir), range(1, 12));
});

test("a path that cannot be opened any more is a retry that names it, and goes on when it can", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "logs/events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 1));
  const { renameSync, rmSync } = await import("node:fs");
  renameSync(join(dir, "logs"), join(dir, "old"));
  appendFileSync(join(dir, "logs"), "a file where the directory was");
  const refused = await exporter.attempt(batchOf(2, 2));
  assert.equal(refused.status, "retry");
  assert.ok(refused.status === "retry" && refused.reason.includes(path), JSON.stringify(refused));
  rmSync(join(dir, "logs"));
  await exporter.deliver(batchOf(2, 2));
  await exporter.shutdown();
  assert.deepEqual(positionsOf(join(dir, "old/events.jsonl")), [1]);
  assert.deepEqual(positionsOf(path), [2]);
});
