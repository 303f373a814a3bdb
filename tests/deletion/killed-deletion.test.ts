import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { seeded, startDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { checkRecord } from "../record/checker/check-record.ts";
import { PlantedSecrets } from "../runs/planted-secrets.ts";
import { finishedSandbox } from "./doomed-run.ts";

const ROUNDS = 5;
/** A deletion takes about so long here; later kills find it done. */
const LATEST_MS = 400;
const isSpare = (path: string): boolean => path.endsWith(".ext4") || path.startsWith("runtime/skeleton/");

test("a daemon that is killed in the middle of a deletion has not begun it, or finishes it at its next start", async (t) => {
  const random = seeded(20);
  let daemon = await startDaemon();
  const { dataDir } = daemon;
  t.after(async () => {
    await daemon.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const connect = () => new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  let client = connect();
  const kept = new PlantedSecrets();
  const keptId = await finishedSandbox(client, kept);
  let finished = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const secrets = new PlantedSecrets();
    const sandboxId = await finishedSandbox(client, secrets);
    const answered = client.sandboxes.deleteRecord(sandboxId).then(
      () => true,
      () => false,
    );
    await delay(random.int(LATEST_MS));
    await daemon.kill();
    const wasAnswered = await answered;
    await client.close();
    daemon = await startDaemon({ dataDir });
    client = connect();
    const started = client;
    await until("no deletion is left to be done", () => readdirSync(join(dataDir, "deletions")).length === 0);
    const events: string[] = [];
    for await (const { type } of started.events({ sandboxId })) events.push(type);
    if (events.length > 0) {
      assert.ok(!wasAnswered, "an answer means that it is done");
      assert.equal(events[0], "sandbox.created");
      assert.equal((await started.sandboxes.get(sandboxId)).state, "terminated");
    } else {
      finished += 1;
      assert.deepEqual(secrets.below(dataDir, isSpare), {}, `round ${round}`);
      const told: string[] = [];
      for await (const event of started.events({ types: ["record.deleted"] }))
        if (event.type === "record.deleted" && event.data.sandboxIds.includes(sandboxId)) told.push(event.id);
      assert.equal(told.length, 1, "it is told once");
    }
    const { findings } = checkRecord(dataDir, { isOver: false });
    assert.deepEqual(findings, []);
  }
  assert.ok(finished > 0);
  assert.equal((await client.sandboxes.get(keptId)).state, "terminated");
  assert.ok(kept.below(join(dataDir, "log"))["00000000000000000001.seg"] !== undefined);
  await client.close();
});
