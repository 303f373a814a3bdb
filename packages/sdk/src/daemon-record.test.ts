import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "./index.ts";

let daemon: TestDaemon;
let client: Client;
let shared: Sandbox;

// It makes its own key.
before(async () => {
  daemon = await startDaemon({ apiKeys: [] });
  process.env.SANDGLASS_CREDENTIALS = daemon.credentialsFile;
  client = new Client({ baseUrl: daemon.url });
  shared = await client.createSandbox("bash");
});
after(async () => {
  delete process.env.SANDGLASS_CREDENTIALS;
  await shared?.close();
  await client?.close();
  await daemon?.stop();
});

test("the key is found in the credentials file that the daemon writes", async () => {
  assert.equal(daemon.apiKey, "");
  assert.equal((await shared.commands.run("echo ok")).stdout, "ok\n");
});

test("the record is read and followed", async () => {
  await using sandbox = await client.createSandbox("bash");
  for (let index = 0; index < 3; index++) await sandbox.commands.run(["true"]);
  const seen: number[] = [];
  for await (const event of client.events({ sandboxId: sandbox.id, follow: true })) {
    assert.ok(event.type !== "gap");
    seen.push(event.seq);
    if (seen.length === 5) break;
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  const types = new Set<string>();
  for await (const event of client.events({ sandboxId: sandbox.id, types: ["exec.completed"] })) {
    types.add(event.type);
  }
  assert.deepEqual([...types], ["exec.completed"]);
});

test("what the host enforces and delivers can be asked for", async () => {
  const report = await client.doctor();
  assert.ok(report.checks.length > 0 && report.version !== "");
  assert.deepEqual(await client.exporters.list(), []);
});

test("a run says what it did, what it cost and what failed", async () => {
  const { runId, id } = await client.run({ name: "report of everything", agent: "analyst" }, async (run) => {
    await using sandbox = await run.sandboxes.create({ template: "bash" });
    await sandbox.commands.run("true");
    await sandbox.commands.run("exit 3");
    run.llm({ model: "large", inputTokens: 10, outputTokens: 2, costUsd: 0.25 });
    return { runId: run.runId, id: sandbox.id };
  });
  const { items } = await client.runs.list({ name: "of EVERYTHING", status: "ok", limit: 5 });
  assert.equal(items[0]?.runId, runId);
  const detail = await client.runs.get(runId);
  assert.deepEqual(
    [detail.name, detail.agent, detail.status, detail.sandboxes, detail.execs, detail.failures],
    ["report of everything", "analyst", "ok", 1, 2, 1],
  );
  assert.deepEqual(
    detail.models.map(({ model, costUsd }) => [model, costUsd]),
    [["large", 0.25]],
  );
  assert.deepEqual(
    detail.sandboxList.map((box) => [box.id, box.state, box.cause]),
    [[id, "terminated", "user"]],
  );
  assert.deepEqual(
    detail.failureList.map(({ cause, exitCode }) => [cause, exitCode]),
    [["exited", 3]],
  );
  await assert.rejects(client.runs.get("run_unknown"), { code: "RUN_NOT_FOUND" });
});

test("a run is deleted with its sandbox, once it is complete", async () => {
  const { runId, id } = await client.run({ name: "short" }, async (run) => {
    const sandbox = await run.sandboxes.create({ template: "bash" });
    await assert.rejects(client.runs.delete(run.runId), { code: "RECORD_IN_USE" });
    await assert.rejects(client.sandboxes.deleteRecord(sandbox.id), { code: "RECORD_IN_USE" });
    await sandbox.terminate();
    return { runId: run.runId, id: sandbox.id };
  });
  const deleted = await client.runs.delete(runId);
  assert.ok(deleted.sandboxes === 1 && deleted.events > 5 && deleted.bytes > 1000);
  await assert.rejects(client.runs.get(runId), { code: "RUN_NOT_FOUND" });
  const again = await client.sandboxes.deleteRecord(id);
  assert.deepEqual([again.sandboxes, again.events, again.bytes], [0, 0, 0]);
});
