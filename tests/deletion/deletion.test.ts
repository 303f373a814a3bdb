import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { callHttp, FaultyServer, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, SandglassError } from "sandglass";
import { checkRecord } from "../record/checker/check-record.ts";
import { PlantedSecrets } from "../runs/planted-secrets.ts";
import { type FinishedRun, finishedRun } from "./doomed-run.ts";

const KEY = "test_deletion-of-everything-that-was";
/** The empty disks of the pool, and what they are made from. */
const isSpare = (path: string): boolean => path.endsWith(".ext4") || path.startsWith("runtime/skeleton/");

describe("a run that is deleted", () => {
  const disposables = new AsyncDisposableStack();
  const doomed = new PlantedSecrets();
  const kept = new PlantedSecrets();
  let exporters: object[];
  let files: string;
  let daemon: TestDaemon;
  let client: Client;
  let gone: FinishedRun;
  let staying: FinishedRun;
  let away: FaultyServer;
  let picky: FaultyServer;
  /** What the destination got that was away until the run was deleted. */
  const late: Buffer[] = [];

  async function start(dataDir?: string): Promise<void> {
    const env = { SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters }) };
    daemon = await startDaemon({ env, apiKeys: [KEY], ...(dataDir !== undefined && { dataDir }) });
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  }

  async function eventsOf(query: object): Promise<string[]> {
    const types: string[] = [];
    for await (const event of client.events(query)) types.push(event.type);
    return types;
  }

  before(async () => {
    files = await mkdtemp(join(tmpdir(), "sandglass-deletion-"));
    disposables.defer(() => rm(files, { recursive: true, force: true }));
    away = disposables.use(
      await FaultyServer.start(({ body }) => {
        late.push(body);
        return { status: 200 };
      }),
    );
    picky = disposables.use(await FaultyServer.start(() => ({ status: 400, body: "no" })));
    exporters = [
      { id: "file", provider: "jsonl", config: { filePath: join(files, "events.jsonl") } },
      { id: "away", provider: "otel", config: { endpoint: away.url } },
      // Refuses everything: what it was sent is kept as dead letters.
      { id: "picky", provider: "otel", config: { endpoint: picky.url } },
    ];
    away.fault = { status: 503 };
    await start();
    disposables.defer(async () => {
      await client.close();
      await daemon.stop();
      await rm(daemon.dataDir, { recursive: true, force: true });
    });
    [gone, staying] = await Promise.all([finishedRun(client, doomed), finishedRun(client, kept)]);
    await client.exporters.flush({ ids: ["file"] });
  });
  after(() => disposables.disposeAsync());

  test("is refused while it is not complete, or a sandbox of it is alive, and so is one sandbox", async () => {
    const run = await client.run({ name: "still running" });
    const sandbox = await run.sandboxes.create({ template: "python" });
    const inUse = (error: unknown) => error instanceof SandglassError && error.code === "RECORD_IN_USE";
    await assert.rejects(client.runs.delete(run.runId), inUse);
    await run.complete();
    await assert.rejects(client.runs.delete(run.runId), inUse);
    await assert.rejects(client.sandboxes.deleteRecord(sandbox.id), inUse);
    await sandbox.terminate();
    const { sandboxes } = await client.runs.delete(run.runId);
    assert.equal(sandboxes, 1);
  });

  test("is not another organisation's to delete, nor anybody's without the scope admin", async () => {
    const other = await client.keys.create("other", { orgId: "elsewhere", scopes: ["admin"] });
    const weak = await client.keys.create("weak", {
      scopes: ["sandboxes:write", "sandboxes:read", "events:read"],
    });
    const stranger = new Client({ baseUrl: daemon.url, apiKey: other.key });
    const reader = new Client({ baseUrl: daemon.url, apiKey: weak.key });
    const nothing = { sandboxes: 0, events: 0, bytes: 0 };
    assert.deepEqual(await stranger.runs.delete(gone.runId), nothing);
    assert.deepEqual(await stranger.sandboxes.deleteRecord(gone.sandboxId), nothing);
    const forbidden = (error: unknown) => error instanceof SandglassError && error.code === "FORBIDDEN";
    await assert.rejects(reader.runs.delete(gone.runId), forbidden);
    await assert.rejects(reader.sandboxes.deleteRecord(gone.sandboxId), forbidden);
    for (const each of [stranger, reader]) await each.close();
    assert.equal((await client.runs.get(gone.runId)).runId, gone.runId);
  });

  test("is in no file of the data directory, in no form, while everything of another is where it was", async () => {
    await client.runs.get(gone.runId);
    const before = doomed.below(daemon.dataDir, isSpare);
    const parts = new Set(Object.keys(before).map((path) => path.split("/")[0]));
    assert.deepEqual([...parts].sort(), ["dead-letters", "log", "output", "store", "telemetry"]);
    assert.ok(new Set(Object.values(before).flat()).size > 30);
    const result = await client.runs.delete(gone.runId);
    assert.equal(result.sandboxes, 1);
    assert.ok(result.events > 40 && result.bytes > 20_000, JSON.stringify(result));
    assert.deepEqual(doomed.below(daemon.dataDir, isSpare), {});
    const ofOther = Object.entries(kept.below(daemon.dataDir, isSpare));
    assert.ok(new Set(ofOther.flatMap(([, places]) => places)).size > 30, JSON.stringify(ofOther));
    assert.deepEqual(new Set(ofOther.map(([path]) => path.split("/")[0])), parts);
  });

  test("is in no answer; a stream of it is not there, and says so", async () => {
    const { runId, sandboxId, execId, traceId } = gone;
    const missing = [
      [`/v1/runs/${runId}`, "RUN_NOT_FOUND"],
      [`/v1/sandboxes/${sandboxId}`, "SANDBOX_NOT_FOUND"],
      [`/v1/sandboxes/${sandboxId}/execs`, "SANDBOX_NOT_FOUND"],
      [`/v1/sandboxes/${sandboxId}/execs/${execId}/stream`, "SANDBOX_NOT_FOUND"],
    ] as const;
    for (const [path, code] of missing) {
      const { status, text } = await callHttp(daemon, `GET ${path}`);
      assert.equal(status, 404, path);
      assert.match(text, new RegExp(code), path);
    }
    assert.deepEqual(await eventsOf({ sandboxId }), []);
    assert.deepEqual(await eventsOf({ runId }), []);
    const listed = [
      "/v1/events",
      "/v1/runs",
      "/v1/traces",
      "/v1/logs",
      `/v1/traces/${traceId}`,
      "/v1/sandboxes?ended=true",
    ];
    for (const path of listed) {
      const { text } = await callHttp(daemon, `GET ${path}`);
      assert.deepEqual(doomed.in(Buffer.from(text)), [], path);
    }
    for (const path of ["/v1/runs", "/v1/sandboxes?ended=true"]) {
      const { text } = await callHttp(daemon, `GET ${path}`);
      assert.ok(!text.includes(runId) && text.includes(staying.runId), path);
    }
  });

  test("leaves one event that says who deleted it and how much it was, and is nothing to be deleted again", async () => {
    const told = [];
    for await (const event of client.events({ types: ["record.deleted"] })) told.push(event);
    const last = told.at(-1);
    assert.ok(last?.type === "record.deleted");
    assert.equal(last.data.runId, gone.runId);
    assert.deepEqual(last.data.sandboxIds, [gone.sandboxId]);
    assert.ok((last.data.keyId ?? "") !== "" && last.data.events > 40);
    assert.deepEqual(await client.runs.delete(gone.runId), { sandboxes: 0, events: 0, bytes: 0 });
    assert.equal((await eventsOf({ types: ["record.deleted"] })).length, told.length);
  });

  test("is not sent to a destination that was away, which gets all else; and every account adds up", async () => {
    away.fault = undefined;
    await client.exporters.retry("away");
    await client.exporters.flush({ timeoutMs: 15_000 });
    const infos = await until("all is settled", async () => {
      const all = await client.exporters.list();
      return (
        all.every(
          ({ counts, telemetry }) => counts.inFlight === 0 && (telemetry?.counts.queued ?? 0) === 0,
        ) && all
      );
    });
    for (const { id, counts, telemetry } of infos) {
      for (const each of [counts, ...(telemetry === undefined ? [] : [telemetry.counts])]) {
        const dropped = Object.values(each.dropped).reduce((sum, count) => sum + count, 0);
        const total = each.delivered + each.filtered + each.queued + each.inFlight + dropped;
        assert.equal(total, each.accepted, `${id}: ${JSON.stringify(each)}`);
        assert.deepEqual(
          Object.keys(each.dropped).filter((reason) => !["deleted", "rejected"].includes(reason)),
          [],
        );
      }
    }
    const back = infos.find(({ id }) => id === "away");
    assert.ok((back?.counts.dropped.deleted ?? 0) > 40, JSON.stringify(back));
    assert.ok((back?.telemetry?.counts.dropped.deleted ?? 0) >= 3, JSON.stringify(back));
    const sent = Buffer.concat(late);
    assert.deepEqual(doomed.in(sent), []);
    assert.ok(kept.in(sent).length > 10);
  });

  test("stays deleted when the daemon is killed, the store is lost, and all of it is filled from the log again", async () => {
    const { dataDir } = daemon;
    await client.close();
    await daemon.kill();
    await rm(join(dataDir, "store"), { recursive: true, force: true });
    await start(dataDir);
    assert.equal((await client.runs.get(staying.runId)).sandboxes, 1);
    const { text } = await callHttp(daemon, "GET /v1/runs");
    assert.ok(!text.includes(gone.runId), text);
    assert.deepEqual(doomed.below(dataDir, isSpare), {});
    const { findings, deleted } = checkRecord(dataDir, { isOver: false });
    assert.deepEqual(findings, []);
    assert.ok(deleted > 40);
  });
});
