import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseRequest } from "@sandglass/protocol/schemas";
import { onEnd, temporaryDirectory } from "../log/testing/test-log.ts";
import type { PreparedExporter } from "./definition.ts";
import { batchOf } from "./jsonl/testing/batches.ts";
import { positionsOf } from "./jsonl/testing/test-exporter.ts";
import { jsonl } from "./jsonl.ts";

const { signal } = new AbortController();

function prepare(config: Record<string, unknown>, cwd: string, isTrusted = true): PreparedExporter {
  const options = parseRequest(jsonl.schema, config);
  return jsonl.prepare(options, { env: {}, cwd, isTrusted, ownOrigins: [] });
}

function refusal(config: Record<string, unknown>, cwd = "/tmp", isTrusted = true): string {
  let message = "";
  assert.throws(
    () => prepare(config, cwd, isTrusted),
    (error: Error & { code?: string }) => {
      message = error.message;
      return error.code === "INVALID_REQUEST";
    },
  );
  return message;
}

test("a path is relative to where the daemon was started, and the file is made when it is opened", async (t) => {
  const dir = temporaryDirectory(t);
  const prepared = prepare({ filePath: "./logs/events.jsonl", mode: "0640" }, dir);
  const path = join(dir, "logs/events.jsonl");
  assert.equal(prepared.destination, path);
  assert.deepEqual(readdirSync(dir), []);
  await prepared.verify?.(signal);
  const exporter = await prepared.open({ checkpoint: undefined });
  const result = await exporter.export(batchOf(1, 3), { signal });
  await exporter.shutdown();
  assert.deepEqual(positionsOf(path), [1, 2, 3]);
  assert.equal(statSync(path).mode & 0o777, 0o640);

  assert.ok(result.status === "ok" && result.checkpoint);
  const again = await prepared.open({ checkpoint: result.checkpoint });
  await again.export(batchOf(4, 4), { signal });
  await again.shutdown();
  assert.deepEqual(positionsOf(path), [1, 2, 3, 4]);
});

test("a directory that nobody can make is refused, also below /proc, instead of tried for ever", async () => {
  const open = prepare({ filePath: "/proc/nowhere/logs/events.jsonl" }, "/tmp").open({
    checkpoint: undefined,
  });
  await assert.rejects(open, /ENOENT.*\/proc\/nowhere/);
});

test("it wants one batch at a time in the order of the log, committed one by one and unparsed", () => {
  const { traits } = prepare({ filePath: "events.jsonl", batchSize: 5, concurrency: 8 }, "/tmp");
  assert.equal(traits.order, "total");
  assert.equal(traits.concurrency, 1);
  assert.equal(traits.commitsEachBatch, true);
  assert.equal(traits.needsEvents, false);
  assert.equal(traits.batchSize, 5);
});

test("two paths to one file claim the same, whatever links lead there and whether it is there or not", (t) => {
  const dir = realpathSync(temporaryDirectory(t));
  mkdirSync(join(dir, "real"));
  symlinkSync("real", join(dir, "link"));
  symlinkSync("link/events.jsonl", join(dir, "file"));
  const claims = ["real/events.jsonl", "link/../link/events.jsonl", "file", join(dir, "real/events.jsonl")];
  for (const filePath of claims) {
    assert.deepEqual(prepare({ filePath }, dir).claims, [`file:${dir}/real/events.jsonl`], filePath);
  }
  assert.deepEqual(prepare({ filePath: "link/new/a.jsonl" }, dir).claims, [`file:${dir}/real/new/a.jsonl`]);
});

test("a path that can be no file is refused with the reason", (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, "file"), "");
  execFileSync("mkfifo", [join(dir, "fifo")]);
  symlinkSync("loop", join(dir, "loop"));
  assert.match(refusal({ filePath: "." }, dir), /^filePath: .* is a directory$/);
  assert.match(refusal({ filePath: "fifo" }, dir), /^filePath: .*\/fifo is no regular file$/);
  assert.match(refusal({ filePath: "/dev/null" }, dir), /^filePath: \/dev\/null is no regular file$/);
  assert.match(
    refusal({ filePath: "file/events.jsonl" }, dir),
    /^filePath: .*\/file is no directory|ENOTDIR/,
  );
  assert.match(refusal({ filePath: "loop" }, dir), /^filePath: ELOOP/);
  assert.match(refusal({ filePath: "logs/" }, dir), /^filePath must be the path of a file$/);
  assert.match(refusal({ filePath: "a\0b" }, dir), /^filePath must be the path of a file$/);
});

test("a directory that takes no file is refused at start, and one that takes no rotated files unless rotation is left to others", {
  skip: process.getuid?.() === 0 ? false : "mounting needs root",
}, (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, "logs"));
  writeFileSync(join(dir, "logs/events.jsonl"), "");
  writeFileSync(join(dir, "writable"), "");
  execFileSync("mount", ["--bind", join(dir, "logs"), join(dir, "logs")]);
  onEnd(t, () => execFileSync("umount", ["--recursive", join(dir, "logs")]));
  // A file that may be written in a directory that may not: as /var/log with a file of the daemon's own.
  execFileSync("mount", ["--bind", join(dir, "writable"), join(dir, "logs/events.jsonl")]);
  execFileSync("mount", ["-o", "remount,bind,ro", join(dir, "logs")]);

  assert.match(refusal({ filePath: "logs/other.jsonl" }, dir), /\/logs cannot be written to.*\(EROFS\)$/);
  assert.match(refusal({ filePath: "logs/a/b.jsonl" }, dir), /\/logs cannot be written to.*\(EROFS\)$/);
  assert.match(refusal({ filePath: "logs/events.jsonl" }, dir), /rotated files have no place there/);
  prepare({ filePath: "logs/events.jsonl", rotateSizeBytes: 0 }, dir);
});

test("options are checked: names, types and ranges", () => {
  const filePath = "events.jsonl";
  assert.match(refusal({}), /^filePath is missing$/);
  assert.match(refusal({ filePath, rotateSizeByte: 5 }), /did you mean "rotateSizeBytes"\?$/);
  assert.match(refusal({ filePath, rotateFiles: 0 }), /^rotateFiles /);
  assert.match(refusal({ filePath, gzip: "yes" }), /^gzip must be a boolean/);
  assert.match(refusal({ filePath, mode: "0999" }), /^mode must be permission bits like "0640"$/);
  assert.match(refusal({ filePath, mode: 0o1777 }), /^mode must be permission bits/);
});

test("who may not administer the daemon may not have it write files", () => {
  assert.match(
    refusal({ filePath: "events.jsonl" }, "/tmp", false),
    /writes to files of the daemon's machine/,
  );
});
