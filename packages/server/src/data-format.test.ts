import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { prepareDataDir } from "./data-format.ts";

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-data-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test("a new data directory is private and carries its format", async (context) => {
  const dataDir = join(await directory(context), "a", "b");
  await prepareDataDir(dataDir, "1.2.3");
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
  const { format, createdBy } = JSON.parse(await readFile(join(dataDir, "format.json"), "utf8"));
  assert.deepEqual({ format, createdBy }, { format: 1, createdBy: "1.2.3" });
  await prepareDataDir(dataDir, "1.2.4");
  assert.equal(JSON.parse(await readFile(join(dataDir, "format.json"), "utf8")).createdBy, "1.2.3");
});

test("a directory that holds something else is refused, and left as it is", async (context) => {
  const dataDir = await directory(context);
  await writeFile(join(dataDir, "thesis.txt"), "x");
  await assert.rejects(prepareDataDir(dataDir, "1.0.0"), /holds other files .*--data-dir/);
  await assert.rejects(stat(join(dataDir, "format.json")), { code: "ENOENT" });
});

test("a directory that nobody can make is refused with what to do, also below /proc", async (context) => {
  const home = await directory(context);
  const file = join(home, "a-file");
  await writeFile(file, "");
  await symlink(join(home, "nowhere"), join(home, "link"));
  for (const [dataDir, code] of [
    ["/proc/x/y", "ENOENT"],
    [join(file, "below"), "ENOTDIR"],
    [file, "EEXIST"],
    [join(home, "link", "below"), "EEXIST"],
  ] as const) {
    const refusal = `the data directory ${dataDir} cannot be made (${code}); choose another with --data-dir`;
    await assert.rejects(prepareDataDir(dataDir, "1.0.0"), { message: refusal });
  }
});

test("another format is refused naming both, a damaged one naming the file", async (context) => {
  const dataDir = await directory(context);
  await writeFile(join(dataDir, "format.json"), '{"format":2}');
  await assert.rejects(prepareDataDir(dataDir, "1.0.0"), /data format 2.*1\.0\.0.*format 1/);
  await writeFile(join(dataDir, "format.json"), '{"for');
  await assert.rejects(prepareDataDir(dataDir, "1.0.0"), /format\.json is damaged/);
});
