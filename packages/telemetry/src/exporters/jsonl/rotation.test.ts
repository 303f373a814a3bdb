import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
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

const ROTATED = /^events-\d{8}T\d{6}\.\d{3}Z\.jsonl(\.gz)?$/;

test("a file is put aside when another batch like the last would not fit, and its name tells when", async (t) => {
  const dir = temporaryDirectory(t);
  const rotateSizeBytes = 20_000;
  const exporter = await TestExporter.open(t, settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes }));
  for (let from = 1; from <= 200; from += 5) await exporter.deliver(batchOf(from, from + 4, 100));
  await exporter.shutdown();
  const names = namesIn(dir);
  assert.ok(names.length > 3, names.join());
  for (const name of names.slice(0, -1)) {
    assert.match(name, ROTATED);
    const { size } = statSync(join(dir, name));
    assert.ok(size <= rotateSizeBytes && size > rotateSizeBytes / 2, `${name} has ${size} bytes`);
  }
  assert.deepEqual(positionsIn(dir), range(1, 200));
});

test("only so many rotated files are kept, the youngest, compressed where that was asked for", async (t) => {
  const dir = temporaryDirectory(t);
  const settings = settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes: 1, rotateFiles: 3, gzip: true });
  const exporter = await TestExporter.open(t, settings);
  for (const position of range(1, 20)) await exporter.deliver(batchOf(position, position));
  await exporter.shutdown();
  // What was put aside last is compressed by the next one: whether it is committed is not known before.
  assert.equal(namesIn(dir).filter((name) => ROTATED.test(name) && !name.endsWith(".gz")).length, 1);
  await exporter.reopen();
  await exporter.shutdown();
  const names = namesIn(dir);
  assert.equal(names.length, 4, names.join());
  assert.ok(
    names.slice(0, 3).every((name) => ROTATED.test(name) && name.endsWith(".gz")),
    names.join(),
  );
  assert.deepEqual(positionsIn(dir), [18, 19, 20]);
});

test("what a crash left of compressing is cleared away: half a file goes, a whole one takes the original's place", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const half = join(dir, "events-20260101T000000.000Z.jsonl");
  const whole = join(dir, "events-20260101T000000.001Z.jsonl");
  for (const [index, file] of [half, whole].entries()) writeFileSync(file, `${eventAt(index + 1).payload}\n`);
  writeFileSync(`${half}.gz.0123abcd.tmp`, "torn");
  execFileSync("gzip", ["-k", whole]);
  const others = [
    "events-20260101.jsonl",
    "events-20260101T000000.000Z.jsonl.bak",
    "other.jsonl.gz.0123abcd.tmp",
  ];
  for (const name of others) writeFileSync(join(dir, name), "not ours");

  const exporter = await TestExporter.open(t, settingsOf(path, { gzip: true }));
  await exporter.shutdown();
  assert.deepEqual(
    namesIn(dir),
    [
      "events-20260101T000000.000Z.jsonl.gz",
      "events-20260101T000000.001Z.jsonl.gz",
      "events.jsonl",
      ...others,
    ].sort(),
  );
  assert.deepEqual(positionsOf(`${half}.gz`), [1]);
  assert.deepEqual(positionsOf(`${whole}.gz`), [2]);
});

test("names stay in order where the clock went back", async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, "events-20990101T000000.999Z.jsonl"), "");
  const exporter = await TestExporter.open(t, settingsOf(join(dir, "events.jsonl"), { rotateSizeBytes: 1 }));
  for (const position of range(1, 3)) await exporter.deliver(batchOf(position, position));
  await exporter.shutdown();
  assert.deepEqual(namesIn(dir).slice(1), [
    "events-20990101T000001.000Z.jsonl",
    "events-20990101T000001.001Z.jsonl",
    "events.jsonl",
  ]);
});

test("a file that another tool renamed or removed is noticed by the next batch, and a new one begun", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  renameSync(path, `${path}.1`);
  await exporter.deliver(batchOf(11, 20));
  renameSync(path, `${path}.2`);
  writeFileSync(path, "", { mode: 0o640 }); // as logrotate's `create`
  await exporter.deliver(batchOf(21, 30));
  rmSync(path);
  await exporter.deliver(batchOf(31, 40));
  await exporter.shutdown();
  assert.deepEqual(positionsOf(`${path}.1`), range(1, 10));
  assert.deepEqual(positionsOf(`${path}.2`), range(11, 20));
  assert.deepEqual(positionsOf(path), range(31, 40));
});

test("a file that another tool copied and emptied goes on at its end, without a hole", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 10));
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  await exporter.deliver(batchOf(11, 20));
  truncateSync(path, statSync(path).size - 30);
  await exporter.deliver(batchOf(21, 30));
  await exporter.shutdown();
  assert.deepEqual(positionsOf(`${path}.1`), range(1, 10));
  assert.deepEqual(positionsOf(path), [...range(11, 19), ...range(21, 30)]);
});

test("lines that somebody else adds stay, and ours go on behind them", async (t) => {
  const path = join(temporaryDirectory(t), "events.jsonl");
  const exporter = await TestExporter.open(t, settingsOf(path));
  await exporter.deliver(batchOf(1, 1));
  writeFileSync(path, "a note without end", { flag: "a" });
  await exporter.deliver(batchOf(2, 2));
  await exporter.shutdown();
  assert.equal(
    readFileSync(path, "utf8"),
    `${eventAt(1).payload}\na note without end\n${eventAt(2).payload}\n`,
  );
});

const logrotate = ["/usr/sbin/logrotate", "/usr/bin/logrotate"].find((path) =>
  statSync(path, { throwIfNoEntry: false }),
);

test("the real logrotate, by rename and by copy, loses and repeats nothing", {
  skip: logrotate === undefined && "logrotate is not installed",
}, async (t) => {
  for (const way of ["create", "nocreate", "copytruncate"]) {
    const dir = temporaryDirectory(t);
    const path = join(dir, "logs/events.jsonl");
    const exporter = await TestExporter.open(t, settingsOf(path));
    const config = join(dir, "logrotate.conf");
    writeFileSync(config, `${path} {\n rotate 20\n ${way}\n nocompress\n su root root\n}\n`, { mode: 0o600 });
    for (let from = 1; from <= 50; from += 10) {
      await exporter.deliver(batchOf(from, from + 9));
      execFileSync(logrotate ?? "", ["--force", "--state", join(dir, "state"), config]);
    }
    await exporter.deliver(batchOf(51, 60));
    await exporter.shutdown();
    const positions = namesIn(join(dir, "logs")).flatMap((name) => positionsOf(join(dir, "logs", name)));
    assert.deepEqual(
      positions.sort((a, b) => a - b),
      range(1, 60),
      way,
    );
  }
});
