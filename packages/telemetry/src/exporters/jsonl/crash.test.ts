import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { seeded } from "@sandglass/testkit";
import { temporaryDirectory } from "../../log/testing/test-log.ts";
import { namesIn, positionsIn, range } from "./testing/test-exporter.ts";

const exportingProcess = fileURLToPath(new URL("testing/exporting-process.ts", import.meta.url));
const LAST = 12_000;

interface Ending {
  signal: string | null;
  code: number | null;
  stderr: string;
}

/** Runs the process until it is done, kills itself before operation `killAt`, or has made `maxCommits` commits. */
async function runExporting(dir: string, killAt: number, maxCommits: number, seed: number): Promise<Ending> {
  const args = [exportingProcess, dir, String(LAST), String(killAt), String(seed)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let commits = 0;
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    commits += data.length;
    if (commits >= maxCommits) child.kill("SIGKILL");
  });
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { signal, code, stderr };
}

function committedIn(dir: string): number {
  return (JSON.parse(readFileSync(join(dir, "commit.json"), "utf8")) as { position: number }).position;
}

for (const [way, rounds] of [
  ["from outside", 12],
  ["in the middle of a file operation", 30],
] as const) {
  test(`killed again and again ${way}, with rotation and compression, every event is there once and no line is torn`, async (t) => {
    const dir = temporaryDirectory(t);
    mkdirSync(join(dir, "out"));
    writeFileSync(join(dir, "commit.json"), JSON.stringify({ position: 0 }));
    const random = seeded(way.length);
    for (let round = 0; round < rounds; round++) {
      const killAt = way === "from outside" ? 0 : 1 + random.int(round < 15 ? 15 : 200);
      const maxCommits = way === "from outside" ? 1 + random.int(40) : Number.POSITIVE_INFINITY;
      const { signal, code, stderr } = await runExporting(dir, killAt, maxCommits, round);
      assert.equal(signal, "SIGKILL", `round ${round} ended with ${code}: ${stderr}`);
    }
    const committed = committedIn(dir);
    assert.ok(committed > 100 && committed < LAST, `${committed} are committed`);
    assert.deepEqual(await runExporting(dir, 0, Number.POSITIVE_INFINITY, 1), {
      signal: null,
      code: 0,
      stderr: "",
    });
    assert.equal(committedIn(dir), LAST);
    const names = namesIn(join(dir, "out"));
    assert.ok(names.filter((name) => name.endsWith(".gz")).length > 30, names.join());
    assert.deepEqual(
      names.filter((name) => name.endsWith(".tmp")),
      [],
    );
    assert.deepEqual(positionsIn(join(dir, "out")), range(1, LAST));
  });
}
