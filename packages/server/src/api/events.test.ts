import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, openHttp, startDaemon, type TestDaemon } from "@sandglass/testkit";

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.stop());

/** Reads NDJSON until `isEnough`, and lets the connection go. */
async function readUntil(
  response: IncomingMessage,
  isEnough: (events: { [field: string]: unknown }[]) => boolean,
) {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    const events = jsonLines(text.slice(0, text.lastIndexOf("\n") + 1));
    if (isEnough(events)) return events;
  }
  return jsonLines(text);
}

const startRun = (name: string) => callHttp(daemon, "POST /v1/runs", { json: { name } });

test("without follow the stream ends at the log's end, and resumes behind any line's cursor", async () => {
  for (const name of ["one", "two", "three"]) await startRun(name);
  const { headers, text } = await callHttp(daemon, "GET /v1/events?types=run.started");
  assert.match(headers["content-type"] ?? "", /^application\/x-ndjson/);
  const events = jsonLines(text);
  assert.deepEqual(
    events.map(({ data }) => data.name),
    ["one", "two", "three"],
  );
  const rest = await callHttp(daemon, `GET /v1/events?types=run.started&after=${events[0].cursor}`);
  assert.deepEqual(jsonLines(rest.text), events.slice(1));
  const limited = await callHttp(daemon, "GET /v1/events?types=run.started&limit=2");
  assert.deepEqual(jsonLines(limited.text), events.slice(0, 2));
  assert.equal(
    (await callHttp(daemon, `GET /v1/events?types=run.started&after=${events[2].cursor}`)).text,
    "",
  );
});

test("the last of a kind are found, whatever came between and after, and a follower goes on from there", async () => {
  for (const name of ["first of three", "second of three", "third of three"]) {
    await startRun(name);
    for (let index = 0; index < 5; index += 1) await callHttp(daemon, "GET /v1/keys");
  }
  const names = async (query: string) =>
    jsonLines((await callHttp(daemon, `GET /v1/events?${query}`)).text).map(({ data }) => data.name);
  assert.deepEqual(await names("types=run.started&last=2"), ["second of three", "third of three"]);
  assert.equal((await names("types=run.*&last=1&minLevel=info")).at(-1), "third of three");
  assert.deepEqual(await names("types=sandbox.forked&last=5"), []);
  const all = jsonLines((await callHttp(daemon, "GET /v1/events")).text);
  const most = jsonLines((await callHttp(daemon, "GET /v1/events?last=100000")).text);
  assert.deepEqual(most.slice(0, all.length), all);

  const follower = await openHttp(daemon, "GET /v1/events?types=run.started&last=1&follow=true");
  const seen = readUntil(follower, (events) => events.length === 2);
  await startRun("fourth");
  assert.deepEqual(
    (await seen).map(({ data }) => (data as { name: string }).name),
    ["third of three", "fourth"],
  );

  const wrong = await callHttp(daemon, "GET /v1/events?last=0");
  assert.deepEqual([wrong.status, wrong.json.error.code], [400, "INVALID_REQUEST"]);
});

test("a follower gets what is there and what comes, once each, across a reconnect", async () => {
  await startRun("before");
  const first = await openHttp(daemon, "GET /v1/events?types=run.started&follow=true");
  const seen = await readUntil(first, (events) =>
    events.some(({ data }) => (data as { name: string }).name === "before"),
  );
  await startRun("between");
  const second = await openHttp(
    daemon,
    `GET /v1/events?types=run.started&follow=true&after=${seen.at(-1)?.cursor}`,
  );
  await startRun("behind");
  const later = await readUntil(second, (events) => events.length >= 2);
  assert.deepEqual(
    later.map(({ data }) => (data as { name: string }).name),
    ["between", "behind"],
  );
});

test("filters by type, level, run and trace narrow the stream", async () => {
  const { json: run } = await startRun("filtered");
  const events = [
    { type: "agent.tool_call", data: { toolName: "search", toolCallId: "c1" }, spanId: "1111111111111111" },
    { type: "agent.error", data: { message: "no luck" } },
    { type: "cost.llm", data: { model: "m", inputTokens: 1, outputTokens: 2 } },
    {
      type: "run.completed",
      data: { name: "filtered", status: "ok", durationMs: 5, costUsd: 0.1, inputTokens: 1, outputTokens: 2 },
    },
  ];
  const added = await callHttp(daemon, `POST /v1/runs/${run.runId}/events`, { json: { events } });
  assert.deepEqual([added.status, added.json], [201, { accepted: 4 }]);
  const read = async (query: string) => jsonLines((await callHttp(daemon, `GET /v1/events?${query}`)).text);
  const ofRun = await read(`runId=${run.runId}&types=!http.*`);
  assert.deepEqual(
    ofRun.map(({ type }) => type),
    ["run.started", ...events.map(({ type }) => type)],
  );
  assert.ok(ofRun.every(({ traceId }) => traceId === run.traceId));
  assert.deepEqual(
    (await read(`runId=${run.runId}&minLevel=error`)).map(({ type }) => type),
    ["agent.error"],
  );
  assert.equal((await read(`traceId=${run.traceId}&types=cost.*`)).length, 1);
  const [, call, error, , completed] = ofRun;
  assert.deepEqual([call.spanId, call.parentSpanId], ["1111111111111111", run.spanId]);
  assert.equal(error.spanId, run.spanId, "a point in time stands on the run's own span");
  assert.deepEqual([completed.spanId, completed.parentSpanId], [run.spanId, ofRun[0].parentSpanId]);
  assert.equal((await read(`runId=${run.runId}`)).filter(({ type }) => type === "http.request").length, 2);
});

test("events of a run do not enter another organisation's sandbox", async () => {
  const { json: key } = await callHttp(daemon, "POST /v1/keys", {
    json: { name: "stranger", orgId: "other" },
  });
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const stranger = { url: daemon.url, apiKey: key.key };
  const { json: run } = await callHttp(stranger, "POST /v1/runs", { json: { name: "intruder" } });
  const events = [{ type: "agent.error", data: { message: "forged" }, sandboxId: sandbox.id }];
  await callHttp(stranger, `POST /v1/runs/${run.runId}/events`, { json: { events } });
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
  const record = jsonLines((await callHttp(daemon, `GET /v1/events?sandboxId=${sandbox.id}`)).text);
  assert.deepEqual(
    record.map(({ seq }) => seq),
    record.map((_, index) => index + 1),
  );
});

test("a run's trace can be read as spans", async () => {
  const { json: run } = await startRun("traced");
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", {
    json: { runId: run.runId },
    headers: { traceparent: `00-${run.traceId}-${run.spanId}-01` },
  });
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
  const { json: trace } = await callHttp(daemon, `GET /v1/traces/${run.traceId}`);
  const create = trace.spans.find(({ name }: { name: string }) => name === "sandbox.create");
  const request = trace.spans.find(({ spanId }: { spanId: string }) => spanId === create.parentSpanId);
  assert.equal(request.name, "http_request");
  assert.equal(request.parentSpanId, run.spanId);
});

test("a run is found again after a restart", async (context) => {
  const first = await startDaemon();
  const { json: run } = await callHttp(first, "POST /v1/runs", { json: { name: "long" } });
  await first.kill();
  const second = await startDaemon({ dataDir: first.dataDir, apiKeys: [first.apiKey] });
  context.after(async () => {
    await second.stop();
    await first.stop(); // the data directory is the first one's to remove
  });
  const events = [{ type: "agent.error", data: { message: "late" } }];
  await callHttp(second, `POST /v1/runs/${run.runId}/events`, { json: { events } });
  const [late] = jsonLines((await callHttp(second, "GET /v1/events?types=agent.error")).text);
  assert.deepEqual([late.traceId, late.spanId], [run.traceId, run.spanId]);
});

test("bad events of a run are refused whole", async () => {
  const { json: run } = await startRun("strict");
  for (const event of [
    { type: "sandbox.created", data: {} },
    { type: "agent.error", data: {} },
    { type: "agent.error", data: { message: "x" }, orgId: "other" },
  ]) {
    const events = [{ type: "agent.error", data: { message: "fine" } }, event];
    const { json } = await callHttp(daemon, `POST /v1/runs/${run.runId}/events`, { json: { events } });
    assert.equal(json.error.code, "INVALID_REQUEST");
  }
  const { text } = await callHttp(daemon, `GET /v1/events?runId=${run.runId}&types=agent.*`);
  assert.equal(text, "");
});

test("followers end when the daemon stops", async (context) => {
  const short = await startDaemon();
  context.after(() => short.stop());
  const follower = await openHttp(short, "GET /v1/events?follow=true&types=run.*");
  const ended = readUntil(follower, () => false);
  assert.equal(await short.stop(), 0);
  assert.deepEqual(await ended, []);
});
