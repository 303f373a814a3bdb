import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { onEnd, temporaryDirectory } from "../../log/testing/test-log.ts";
import { batchOf } from "./testing/batches.ts";
import { positionsIn, positionsOf, range, settingsOf, TestExporter } from "./testing/test-exporter.ts";

const skip = process.getuid?.() === 0 ? false : "mounting a small tmpfs needs root";

function mountSmallDisk(t: TestContext): string {
  const dir = temporaryDirectory(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", dir]);
  onEnd(t, () => execFileSync("umount", [dir]));
  return dir;
}

for (const rotateSizeBytes of [0, 10_000]) {
  test(`a full disk tears no line, and the batch it refused goes in when there is room (rotation at ${rotateSizeBytes})`, {
    skip,
  }, async (t) => {
    const disk = mountSmallDisk(t);
    const logs = join(disk, "logs");
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(100 * 1024));
    const exporter = await TestExporter.open(
      t,
      settingsOf(join(logs, "events.jsonl"), { rotateSizeBytes, rotateFiles: 1000 }),
    );
    let last = 0;
    for (;;) {
      const batch = batchOf(last + 1, last + 9);
      const result = await exporter.attempt(batch);
      if (result.status !== "ok") {
        assert.equal(result.status, "retry");
        assert.match(result.reason, /events\.jsonl: ENOSPC/);
        break;
      }
      exporter.checkpoint = result.checkpoint;
      last += 9;
    }
    assert.ok(last > 50);
    assert.deepEqual(positionsIn(logs), range(1, last));
    for (let tries = 0; tries < 3; tries++)
      assert.equal((await exporter.attempt(batchOf(last + 1, last + 9))).status, "retry");
    assert.deepEqual(positionsIn(logs), range(1, last));
    // A new process finds no room either.
    await exporter.shutdown();
    await exporter.reopen();
    assert.equal((await exporter.attempt(batchOf(last + 1, last + 9))).status, "retry");

    rmSync(ballast);
    await exporter.deliver(batchOf(last + 1, last + 9));
    await exporter.deliver(batchOf(last + 10, last + 20));
    await exporter.shutdown();
    assert.deepEqual(positionsIn(logs), range(1, last + 20));
  });
}

test("a limit on the size of files (EFBIG) tears no line either", async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, "events.jsonl");
  const program = `
    import { JsonlExporter } from ${JSON.stringify(fileURLToPath(new URL("jsonl-exporter.ts", import.meta.url)))};
    import { batchOf } from ${JSON.stringify(fileURLToPath(new URL("testing/batches.ts", import.meta.url)))};
    const exporter = await JsonlExporter.open(${JSON.stringify(settingsOf(path))}, undefined);
    for (let from = 1; ; from += 7) {
      const result = await exporter.export(batchOf(from, from + 6), { signal: new AbortController().signal });
      if (result.status === "ok") continue;
      console.log(from - 1, result.status, result.reason);
      break;
    }
    await exporter.shutdown();`;
  const script = 'ulimit -f 40 && exec "$0" --input-type=module -e "$1"';
  const output = execFileSync("bash", ["-c", script, process.execPath, program], { encoding: "utf8" });
  assert.match(output, /^\d+ retry cannot write to .*: EFBIG/);
  const last = Number.parseInt(output, 10);
  assert.ok(last > 7);
  assert.deepEqual(positionsOf(path), range(1, last));
});
