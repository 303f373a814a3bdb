import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CountFile } from "./cgroup-counts.ts";

test("a counter that is closed is not opened again: nobody would close it", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "sg-count-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "cpu.stat");
  writeFileSync(path, "usage_usec 5\n");
  const file = new CountFile(path);
  assert.equal(file.read(), "usage_usec 5\n");
  file.close();
  const open = readdirSync("/proc/self/fd").length;
  assert.throws(() => file.read(), /not counted any more/);
  assert.equal(readdirSync("/proc/self/fd").length, open);
});
