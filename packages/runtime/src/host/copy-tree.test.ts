import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { copyTree } from "./copy-tree.ts";

test("links stay as they read, files keep mode and time, and what is neither is left out", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sg-copy-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [from, to] = [join(dir, "from"), join(dir, "to")];
  mkdirSync(join(from, "deep"), { recursive: true });
  chmodSync(join(from, "deep"), 0o750);
  writeFileSync(join(from, "deep/file"), "text");
  chmodSync(join(from, "deep/file"), 0o644);
  utimesSync(join(from, "deep/file"), 1000, 2000);
  symlinkSync("../nowhere", join(from, "relative"));
  symlinkSync(join(from, "deep"), join(from, "absolute"));
  execFileSync("mkfifo", [join(from, "fifo")]);
  copyTree(from, to);
  assert.deepEqual(readdirSync(to).sort(), ["absolute", "deep", "relative"]);
  assert.equal(readlinkSync(join(to, "relative")), "../nowhere");
  assert.equal(readlinkSync(join(to, "absolute")), join(from, "deep"));
  assert.equal(readFileSync(join(to, "deep/file"), "utf8"), "text");
  assert.equal(statSync(join(to, "deep")).mode & 0o777, 0o750);
  assert.equal(statSync(join(to, "deep/file")).mode & 0o777, 0o644);
  assert.equal(statSync(join(to, "deep/file")).mtimeMs, 2_000_000);
  copyTree(join(from, "relative"), join(dir, "link"));
  assert.equal(readlinkSync(join(dir, "link")), "../nowhere");
});
