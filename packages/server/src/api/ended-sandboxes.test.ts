import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Page, SandboxInfo } from "@sandglass/protocol";
import { callHttp, startDaemon, type TestDaemon } from "@sandglass/testkit";

async function create(daemon: TestDaemon, more: object = {}): Promise<SandboxInfo> {
  const { status, json, text } = await callHttp(daemon, "POST /v1/sandboxes", {
    json: { template: "bash", ...more },
  });
  assert.equal(status, 201, text);
  return json;
}

async function list(daemon: TestDaemon, query: string): Promise<Page<SandboxInfo>> {
  const { status, json, text } = await callHttp(daemon, `GET /v1/sandboxes?${query}`);
  assert.equal(status, 200, text);
  return json;
}

test("sandboxes that ended under an earlier daemon are listed with their causes, page by page", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-ended-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const start = () => startDaemon({ dataDir, args: ["--pool", "bash=0"] });
  let daemon = await start();
  const network = { egress: { allow: ["allowed.invalid"] } };
  const ended = await create(daemon, { metadata: { team: "data" }, network });
  await callHttp(daemon, `POST /v1/sandboxes/${ended.id}/exec`, { json: { command: "true" } });
  await callHttp(daemon, `DELETE /v1/sandboxes/${ended.id}`);
  const crashed = await create(daemon, { runId: "run_crashed" });
  await daemon.kill();
  await daemon.stop();
  daemon = await start();
  t.after(() => daemon.stop());
  const alive = await create(daemon);

  const all = await list(daemon, "ended=true");
  const told = all.items.map(({ id, state, cause }) => ({ id, state, cause }));
  assert.deepEqual(told, [
    { id: alive.id, state: "running", cause: undefined },
    { id: crashed.id, state: "terminated", cause: "host_crash" },
    { id: ended.id, state: "terminated", cause: "user" },
  ]);
  const described = await callHttp(daemon, `GET /v1/sandboxes/${ended.id}`);
  assert.deepEqual(all.items[2], described.json);
  assert.deepEqual(all.items[2]?.metadata, { team: "data" });

  const paged: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await list(daemon, `ended=true&limit=1${cursor}`);
    paged.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === undefined) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  assert.deepEqual(paged, [alive.id, crashed.id, ended.id]);
  const idsOf = async (query: string) => (await list(daemon, query)).items.map(({ id }) => id);
  assert.deepEqual(await idsOf("state=terminated"), [crashed.id, ended.id]);
  assert.deepEqual(await idsOf("ended=true&runId=run_crashed"), [crashed.id]);
  assert.deepEqual(await idsOf("ended=true&state=running"), [alive.id]);
  assert.deepEqual(await idsOf(""), [alive.id]);
});
