import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RuntimeEvent } from "@sandglass/protocol";
import { seededRandom, temporaryDirectory } from "../log/testing/test-log.ts";
import { Recorder } from "../recorder.ts";

const emittingProcess = fileURLToPath(new URL("testing/emitting-process.ts", import.meta.url));

/** Lets the process record until `count` events are committed, kills it, and returns the ids it printed. */
async function recordAndKill(dataDir: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [emittingProcess, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  let lines = 0;
  child.stdout.on("data", (data: Buffer) => {
    chunks.push(data);
    for (const byte of data) if (byte === 10) lines += 1;
    if (lines >= count) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  return Buffer.concat(chunks).toString().split("\n").slice(0, -1);
}

test("after SIGKILL every committed event is there, and exactly the open sandboxes and execs are told", async (t) => {
  const dataDir = temporaryDirectory(t);
  const random = seededRandom(21);
  for (let round = 0; round < 4; round++) {
    // Beyond the 5000 events after which a checkpoint is written, and short of it.
    const committed = await recordAndKill(dataDir, round % 2 === 0 ? 6000 + random(3000) : 1 + random(200));
    const recorder = await Recorder.open({ dataDir });
    const kept = new Set<string>();
    const seqs = new Map<string, number>();
    const open = new Map<string, Set<string>>();
    for await (const { event } of recorder.read()) {
      assert.ok(event, "no gap");
      kept.add(event.id);
      assert.equal(event.seq, (seqs.get(event.sandboxId) ?? 0) + 1, "no hole and no number twice");
      seqs.set(event.sandboxId, event.seq);
      follow(open, event);
    }
    for (const id of committed) assert.ok(kept.has(id), `${id} was committed`);
    const told = recorder.recovery.openSandboxes.map(({ sandboxId, execs }) => [
      sandboxId,
      execs.map(({ subject }) => subject.execId),
    ]);
    assert.deepEqual(
      Object.fromEntries(told),
      Object.fromEntries([...open].map(([id, execs]) => [id, [...execs]])),
    );
    await recorder.close();
  }
});

function follow(open: Map<string, Set<string>>, event: RuntimeEvent): void {
  if (event.type === "sandbox.created") open.set(event.sandboxId, new Set());
  else if (event.type === "sandbox.terminated") open.delete(event.sandboxId);
  else if (event.type === "exec.started") open.get(event.sandboxId)?.add(event.data.execId);
  else if (event.type === "exec.completed") open.get(event.sandboxId)?.delete(event.data.execId);
}
