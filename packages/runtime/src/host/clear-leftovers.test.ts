import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { detectCgroups, hierarchies, makeGroup } from "./cgroup-layout.ts";
import { clearLeftovers } from "./clear-leftovers.ts";

function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "sg-clear-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("a directory goes with all that is in it, and of links only the link", async (t) => {
  const dir = temporaryDirectory(t);
  const [outside, left] = [join(dir, "outside"), join(dir, "left")];
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), "");
  mkdirSync(join(left, "sbx_1/upper/deep"), { recursive: true });
  mkdirSync(join(left, "sbx_2"), { mode: 0 });
  writeFileSync(join(left, "sbx_1/upper/deep/file"), "x");
  symlinkSync(outside, join(left, "sbx_1/link"));
  symlinkSync("../../../outside/kept", join(left, "sbx_1/upper/link"));
  execFileSync("mkfifo", [join(left, "sbx_1/fifo")]);
  await clearLeftovers(left, detectCgroups(""), "none");
  assert.deepEqual(readdirSync(dir), ["outside"]);
  assert.deepEqual(readdirSync(outside), ["kept"]);
  await clearLeftovers(left, detectCgroups(""), "none"); // there is nothing, and that is fine
});

test("groups go with the groups in them, as soon as the last process has left", async (t) => {
  const dir = temporaryDirectory(t);
  const layout = detectCgroups();
  const group = basename(dir);
  for (const below of ["sbx_1/agent", "sbx_1/exec", "sbx_2/agent/deeper"])
    makeGroup(layout, `${group}/${below}`);
  const mounts = hierarchies(layout);
  assert.ok(mounts.length > 0);
  const child = spawn("sleep", ["1000"]);
  const ended = once(child, "exit");
  for (const mount of mounts)
    writeFileSync(join(mount, group, "sbx_2/agent/deeper/cgroup.procs"), String(child.pid));
  let isCleared = false;
  const clearing = clearLeftovers(join(dir, "none"), layout, group).then(() => {
    isCleared = true;
  });
  // The one without a process goes while the other still has one.
  while (mounts.slice(0, 1).some((mount) => existsSync(join(mount, group, "sbx_1"))))
    await new Promise(setImmediate);
  assert.equal(isCleared, false);
  child.kill("SIGKILL");
  await Promise.all([ended, clearing]);
  for (const mount of mounts) assert.equal(existsSync(join(mount, group)), false, mount);
});

test("what cannot be removed is named, and everything else is gone", async (t) => {
  const dir = temporaryDirectory(t);
  for (const name of ["a", "mounted", "z"]) mkdirSync(join(dir, "left", name), { recursive: true });
  const mounted = join(dir, "left/mounted");
  execFileSync("mount", ["-t", "tmpfs", "sg-clear", mounted]);
  try {
    await assert.rejects(clearLeftovers(join(dir, "left"), detectCgroups(""), "none"), {
      code: "DRIVER_ERROR",
      message: new RegExp(`could not be removed: ${join(dir, "left")}`),
    });
    assert.deepEqual(readdirSync(join(dir, "left")), ["mounted"]);
  } finally {
    execFileSync("umount", [mounted]);
  }
});
