import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DurableLog } from "./durable-log.ts";
import { readAll, seededRandom, temporaryDirectory } from "./testing/test-log.ts";

const appendingProcess = fileURLToPath(new URL("testing/appending-process.ts", import.meta.url));

/** Lets the process append until it has printed `lines` positions, kills it, and returns the last one it printed. */
async function appendAndKill(dir: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [appendingProcess, dir], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
    if (output.split("\n").length > lines) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  return Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1));
}

test("every acknowledged record is there after SIGKILL, round after round on one directory", async (t) => {
  const dir = temporaryDirectory(t);
  const random = seededRandom(11);
  for (let round = 0; round < 6; round++) {
    const acknowledged = await appendAndKill(dir, 1 + random(300));
    // Opening takes the dead process's lock over by itself.
    const log = await DurableLog.open({ dir });
    assert.ok(
      log.lastPosition >= acknowledged,
      `${acknowledged} was acknowledged, ${log.lastPosition} is the last`,
    );
    assert.equal(log.recovery.corruptRecords, 0);
    let expected = 1;
    for (const item of await readAll(log)) {
      assert.ok("payload" in item, "no gap");
      assert.equal(item.position, expected);
      assert.match(item.payload.toString(), new RegExp(`^${expected}:x*$`));
      expected += 1;
    }
    assert.equal(expected, log.lastPosition + 1);
    await log.close();
  }
});
