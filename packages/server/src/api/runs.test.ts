import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon } from "@sandglass/testkit";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const KEYS = ["first_0123456789abcdef", "second_0123456789abcdef@another"];
let home: string;
let daemon: TestDaemon;

const start = (): Promise<TestDaemon> =>
  startDaemon({ dataDir: join(home, "data"), apiKeys: KEYS, args: ["--pool", "python=0"] });

before(async () => {
  home = await mkdtemp(join(tmpdir(), "sandglass-runs-"));
  daemon = await start();
});
after(async () => {
  await daemon?.stop();
  await rm(home, { recursive: true });
});

const get = (path: string, apiKey?: string) =>
  callHttp(daemon, `GET ${path}`, apiKey === undefined ? {} : { apiKey });

/** A run of two sandboxes, one failure, and 0.3 + 0.15 dollars. */
async function makeRun(): Promise<string> {
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const opened = await callHttp(daemon, "POST /v1/runs", { json: { name: "report", agent: "a" }, headers });
  const { runId, spanId } = opened.json as { runId: string; spanId: string };
  const inRun = { traceparent: `00-${TRACE}-${spanId}-01` };
  for (const command of ["true", "exit 3"]) {
    const created = await callHttp(daemon, "POST /v1/sandboxes", { json: { runId }, headers: inRun });
    const path = `/v1/sandboxes/${created.json.id}`;
    const stream = await callHttp(daemon, `POST ${path}/exec`, { json: { command }, headers: inRun });
    assert.equal(jsonLines(stream.text).at(-1).type, "exit");
    assert.equal((await callHttp(daemon, `DELETE ${path}`, { headers: inRun })).status, 204);
  }
  const usage = { inputTokens: 10, outputTokens: 2 };
  const events = [
    { type: "cost.llm", data: { model: "large", ...usage, costUsd: 0.3 } },
    { type: "cost.llm", data: { model: "small", ...usage, costUsd: 0.15 } },
    {
      type: "run.completed",
      data: {
        name: "report",
        status: "error",
        durationMs: 50,
        costUsd: 0.45,
        inputTokens: 20,
        outputTokens: 4,
      },
    },
  ];
  const added = await callHttp(daemon, `POST /v1/runs/${runId}/events`, { json: { events } });
  assert.equal(added.status, 201);
  return runId;
}

test("a run says what it did, what it cost and what failed, also after a restart and to nobody else", async () => {
  const runId = await makeRun();
  for (const isRestarted of [false, true]) {
    if (isRestarted) {
      await daemon.stop();
      daemon = await start();
    }
    const { status, json: run } = await get(`/v1/runs/${runId}`);
    assert.equal(status, 200);
    assert.deepEqual([run.name, run.agent, run.status, run.traceId], ["report", "a", "error", TRACE]);
    assert.deepEqual([run.sandboxes, run.execs, run.failures, run.llmCalls], [2, 2, 1, 2]);
    assert.deepEqual([run.llmCostUsd, run.inputTokens, run.outputTokens], [0.45, 20, 4]);
    assert.deepEqual(
      run.models.map(({ model, costUsd }: { model: string; costUsd: number }) => [model, costUsd]),
      [
        ["large", 0.3],
        ["small", 0.15],
      ],
    );
    assert.deepEqual(
      run.sandboxList.map(({ state, cause, execs }: Record<string, unknown>) => [state, cause, execs]),
      [
        ["terminated", "user", 1],
        ["terminated", "user", 1],
      ],
    );
    const [failure] = run.failureList;
    assert.deepEqual([failure.cause, failure.exitCode], ["exited", 3]);
    assert.equal(failure.sandboxId, run.sandboxList[1].id);

    const { json: page } = await get("/v1/runs?status=error&name=REP");
    assert.deepEqual(
      page.items.map((item: { runId: string }) => item.runId),
      [runId],
    );
    assert.deepEqual((await get("/v1/runs", KEYS[1]?.split("@")[0])).json, { items: [] });
    const theirs = await get(`/v1/runs/${runId}`, KEYS[1]?.split("@")[0]);
    assert.deepEqual([theirs.status, theirs.json.error.code], [404, "RUN_NOT_FOUND"]);
  }
});

test("what cannot be asked is said", async () => {
  const answers = await Promise.all(
    [
      "/v1/runs/run_unknown",
      "/v1/runs/nonsense",
      "/v1/runs?cursor=bad",
      "/v1/runs?status=done",
      "/v1/runs?limit=0",
    ].map((path) => get(path)),
  );
  assert.deepEqual(
    answers.map(({ status, json }) => [status, json.error.code]),
    [
      [404, "RUN_NOT_FOUND"],
      [400, "INVALID_REQUEST"],
      [400, "INVALID_CURSOR"],
      [400, "INVALID_REQUEST"],
      [400, "INVALID_REQUEST"],
    ],
  );
});

test("a daemon without a store says so", async () => {
  await using bare = await startDaemon({
    args: ["--pool", "python=0"],
    env: { SANDGLASS_STORE_ENABLED: "false" },
  });
  const { status, json } = await callHttp(bare, "GET /v1/runs");
  assert.deepEqual([status, json.error.code], [503, "STORE_UNAVAILABLE"]);
  assert.match(json.error.hint, /store\.enabled/);
});
