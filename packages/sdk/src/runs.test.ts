import assert from "node:assert/strict";
import { test } from "node:test";
import { AddRunEventsRequest, parseRequest } from "@sandglass/protocol/schemas";
import { Client } from "./client.ts";
import { Sandbox } from "./sandbox.ts";
import {
  answerJson,
  beginStream,
  countingLines,
  type Script,
  ScriptedServer,
  sandboxInfo,
} from "./scripted-server.ts";

const RUN = {
  runId: "run_1",
  name: "analyst",
  traceId: "a".repeat(32),
  spanId: "b".repeat(16),
  startedAt: "",
};

/** Of a shape that everybody knows. */
const SECRET = `sk-${"a1B2".repeat(8)}`;

const daemon: Script = (request, response) => {
  if (request.url === "/v1/runs") return answerJson(response, RUN, 201);
  if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
  if (request.url.endsWith("/events")) return answerJson(response, { accepted: 1 }, 201);
  beginStream(response);
  response.end(countingLines(1).join(""));
};

/** The run's own events as they arrived, each checked against the protocol's schema. */
function eventsAt(server: ScriptedServer) {
  return server.requests
    .filter(({ url }) => url === "/v1/runs/run_1/events")
    .flatMap(({ body }) => parseRequest(AddRunEventsRequest, JSON.parse(body)).events);
}

test("everything inside a run carries its id and its span, and the end sums up the model's costs", async () => {
  await using server = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  const run = await client.run({ name: "analyst" });
  const sandbox = await run.sandboxes.create({ template: "python" });
  await sandbox.runCode("1");
  run.llm({ model: "m", inputTokens: 10, outputTokens: 5, costUsd: 0.25 });
  run.llm({ model: "m", inputTokens: 1, outputTokens: 1, costUsd: 0.5 });
  await run.complete();
  await run.complete({ status: "error" });

  const created = server.requests.find(({ url }) => url === "/v1/sandboxes");
  assert.deepEqual(JSON.parse(created?.body ?? ""), { runId: "run_1", template: "python" });
  const inside = server.requests.slice(1).map(({ headers }) => headers.traceparent);
  assert.deepEqual(new Set(inside), new Set([`00-${RUN.traceId}-${RUN.spanId}-03`]));
  const events = eventsAt(server);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["cost.llm", "cost.llm", "run.completed"],
  );
  const end = events.at(-1)?.data as Record<string, unknown>;
  assert.deepEqual(
    { ...end, durationMs: 0 },
    { name: "analyst", status: "ok", durationMs: 0, costUsd: 0.75, inputTokens: 11, outputTokens: 6 },
  );
});

test("what is created while a run is open belongs to it, by whatever client of its daemon, and nothing after it", async () => {
  await using server = await ScriptedServer.start(daemon);
  await using elsewhere = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  const before = await client.createSandbox();
  await client.run({ name: "analyst" }, async (run) => {
    await client.createSandbox("python");
    await Sandbox.create({ template: "python", baseUrl: server.url, apiKey: "k" });
    await new Client({ baseUrl: server.url, apiKey: "k" }).sandboxes.create({ runId: "run_own" });
    await before.runCode("1");
    await Sandbox.create({ baseUrl: elsewhere.url, apiKey: "k" });
    await run.tool("fresh", {}, () => client.createSandbox("bash"));
  });
  await client.createSandbox("node");
  const unscoped = await client.run({ name: "analyst" });
  await unscoped.tool("fresh", {}, () => client.createSandbox("bash"));
  await client.createSandbox("node");

  const call = (event: { spanId?: string | undefined } | undefined) =>
    `00-${RUN.traceId}-${event?.spanId}-03`;
  const [inScope, inTool] = eventsAt(server).filter(({ type }) => type === "agent.tool_call");
  const own = `00-${RUN.traceId}-${RUN.spanId}-03`;
  assert.deepEqual(
    server.requests
      .filter(({ url }) => url === "/v1/sandboxes")
      .map(({ body, headers }) => [JSON.parse(body), headers.traceparent]),
    [
      [{}, undefined],
      [{ runId: "run_1", template: "python" }, own],
      [{ runId: "run_1", template: "python" }, own],
      [{ runId: "run_own" }, own],
      [{ runId: "run_1", template: "bash" }, call(inScope)],
      [{ template: "node" }, undefined],
      [{ runId: "run_1", template: "bash" }, call(inTool)],
      [{ template: "node" }, undefined],
    ],
  );
  assert.equal(server.requests.find(({ url }) => url.endsWith("/exec"))?.headers.traceparent, own);
  // In the trace, but no part of a run that the other daemon does not know.
  assert.deepEqual(JSON.parse(elsewhere.requests[0]?.body ?? ""), {});
  assert.equal(elsewhere.requests[0]?.headers.traceparent, own);
});

test("a tool call is one span from call to result, and the parent of what the tool does in a sandbox", async () => {
  await using server = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  await client.run({ name: "analyst" }, async (run) => {
    const sandbox = await run.sandboxes.create();
    const value = await run.tool("python", { code: "1" }, ({ code }) => sandbox.runCode(code));
    assert.equal(value.stdout, "0\n");
    await assert.rejects(
      run.tool("broken", {}, () => Promise.reject(new Error("no such table"))),
      /no such table/,
    );
  });
  const [call, result, brokenCall, brokenResult, end] = eventsAt(server);
  const exec = server.requests.find(({ url }) => url.endsWith("/exec"));
  assert.equal(exec?.headers.traceparent, `00-${RUN.traceId}-${call?.spanId}-03`);
  assert.equal(result?.spanId, call?.spanId);
  assert.notEqual(brokenCall?.spanId, call?.spanId);
  assert.deepEqual(
    [result, brokenResult].map((event) => event?.type === "agent.tool_result" && event.data.isError),
    [false, true],
  );
  assert.equal(end?.type === "run.completed" && end.data.status, "ok");
});

test("content of thoughts, tools and errors is recorded only where it is asked for, without secrets and shortened", async () => {
  for (const captureContent of [false, true]) {
    await using server = await ScriptedServer.start(daemon);
    const run = await new Client({ baseUrl: server.url, apiKey: "k" }).run({
      name: "analyst",
      captureContent,
    });
    run.thinking("a thought");
    const toolCall = run.toolCall({
      name: "search",
      arguments: { query: "words", key: SECRET },
      id: "toolu_1",
    });
    toolCall.result("x".repeat(100_000));
    toolCall.error("too late");
    run.toolCall({ name: "search" }).error(new TypeError("no such word"));
    await run.complete({ status: "error", error: new RangeError("too many words") });
    const [thought, call, result, , failure, end] = eventsAt(server).map(
      ({ data }) => data as Record<string, unknown>,
    );
    assert.equal(thought?.bytes, 9);
    assert.equal(thought?.text, captureContent ? "a thought" : undefined);
    assert.deepEqual([call?.toolName, call?.toolCallId], ["search", "toolu_1"]);
    assert.equal(call?.arguments, captureContent ? '{"query":"words","key":"[redacted]"}' : undefined);
    assert.deepEqual([result?.toolCallId, result?.isError], ["toolu_1", false]);
    const kept = `${"x".repeat(32 * 1024)}… [cut: 100000 bytes]`;
    assert.equal(result?.result, captureContent ? kept : undefined);
    assert.equal(failure?.isError, true);
    assert.equal(failure?.result, captureContent ? "TypeError: no such word" : undefined);
    assert.equal(end?.error, captureContent ? "RangeError: too many words" : "RangeError");
  }
});

test("a run whose work throws completes with status error and throws on", async () => {
  await using server = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  await assert.rejects(
    client.run({ name: "analyst", agent: "claude" }, () => Promise.reject(new Error("gave up"))),
    /gave up/,
  );
  const end = eventsAt(server).at(-1);
  assert.ok(end?.type === "run.completed");
  assert.deepEqual([end.data.status, end.data.error, end.data.agent], ["error", "Error", "claude"]);
});

test("an agent that works for the run is a span of its own, with all that it does and causes below it", async () => {
  await using server = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  await client.run({ name: "analyst" }, async (run) => {
    await run.tool("delegate", {}, () =>
      run.agent({ name: "researcher" }, async (agent) => {
        agent.thinking("where to look");
        agent.llm({ model: "m", inputTokens: 1, outputTokens: 2, costUsd: 0.1 });
        const sandbox = await agent.sandboxes.create();
        await agent.tool("python", {}, () => sandbox.runCode("1"));
      }),
    );
    await assert.rejects(
      run.agent({ name: "critic" }, () => Promise.reject(new TypeError("no source"))),
      /no source/,
    );
    run.llm({ model: "m", inputTokens: 1, outputTokens: 2, costUsd: 0.2 });
  });
  const [delegate, started, thought, cost, python, , done, , critic, failed, own, end] = eventsAt(server);
  assert.equal(delegate?.parentSpanId, RUN.spanId);
  assert.deepEqual([started?.type, started?.parentSpanId], ["agent.started", delegate?.spanId]);
  for (const point of [thought, cost, done]) {
    assert.deepEqual([point?.spanId, point?.parentSpanId], [started?.spanId, delegate?.spanId]);
  }
  assert.equal(python?.parentSpanId, started?.spanId);
  const [created, executed] = ["/v1/sandboxes", "/exec"].map((path) =>
    server.requests.find(({ url }) => url.endsWith(path)),
  );
  assert.equal(created?.headers.traceparent, `00-${RUN.traceId}-${started?.spanId}-03`);
  assert.equal(executed?.headers.traceparent, `00-${RUN.traceId}-${python?.spanId}-03`);
  assert.equal(critic?.parentSpanId, RUN.spanId);
  assert.ok(done?.type === "agent.completed" && failed?.type === "agent.completed");
  assert.deepEqual([done.data.agentName, done.data.status, done.data.error], ["researcher", "ok", undefined]);
  assert.deepEqual([failed.data.status, failed.data.error], ["error", "TypeError"]);
  assert.equal(own?.spanId, undefined);
  // As fractions they add up to 0.30000000000000004.
  assert.equal(end?.type === "run.completed" && end.data.costUsd, 0.3);
});

test("events that could not be sent are kept and sent with the next", async () => {
  let isDown = true;
  await using server = await ScriptedServer.start((request, response, count) => {
    if (request.url.endsWith("/events") && isDown) {
      return answerJson(
        response,
        { error: { code: "LOG_UNAVAILABLE", message: "disk", requestId: "r" } },
        503,
      );
    }
    return daemon(request, response, count);
  });
  const run = await new Client({ baseUrl: server.url, apiKey: "k" }).run({ name: "analyst" });
  run.thinking("a");
  await assert.rejects(run.flush(), { code: "LOG_UNAVAILABLE" });
  isDown = false;
  server.requests.length = 0;
  await run.complete();
  assert.deepEqual(
    eventsAt(server).map(({ type }) => type),
    ["agent.thinking", "run.completed"],
  );
});

test("a tool call of somebody else's trace is below their span, with all that it causes, and says what is recorded of it", async () => {
  await using server = await ScriptedServer.start(daemon);
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  const run = await client.run({ name: "server", captureContent: true });
  const caller = {
    traceparent: `00-${"c".repeat(32)}-${"d".repeat(16)}-01`,
    tracestate: "a=b",
    baggage: "k=v",
  };
  const value = await run.tool("python", { code: "1" }, () => run.sandboxes.create(), {
    ...caller,
    outcome: () => ({ result: "in words", isError: true }),
  });
  assert.equal(value.id, sandboxInfo().id);
  await run.tool("python", {}, () => run.sandboxes.create(), { traceparent: "nonsense", tracestate: "a=b" });
  await run.complete();

  const [call, result, ...others] = eventsAt(server);
  assert.deepEqual([call?.traceId, call?.parentSpanId], ["c".repeat(32), "d".repeat(16)]);
  assert.deepEqual(
    [result?.traceId, result?.parentSpanId, result?.spanId],
    [call?.traceId, call?.parentSpanId, call?.spanId],
  );
  assert.ok(result?.type === "agent.tool_result");
  assert.deepEqual([result.data.result, result.data.isError], ["in words", true]);
  const [inside, ownInside] = server.requests.filter(({ url }) => url === "/v1/sandboxes");
  assert.equal(inside?.headers.traceparent, `00-${"c".repeat(32)}-${call?.spanId}-01`);
  assert.deepEqual([inside?.headers.tracestate, inside?.headers.baggage], ["a=b", "k=v"]);
  for (const event of others) assert.equal(event.traceId, undefined);
  assert.match(String(ownInside?.headers.traceparent), new RegExp(`^00-${RUN.traceId}-`));
  assert.equal(ownInside?.headers.tracestate, undefined);
});

test("events that are refused are given up, and the loss is said once", async () => {
  await using server = await ScriptedServer.start((request, response, count) => {
    if (request.url.endsWith("/events") && request.body.includes("too long")) {
      const error = { code: "PAYLOAD_TOO_LARGE", message: "too long", requestId: "r" };
      return answerJson(response, { error }, 413);
    }
    return daemon(request, response, count);
  });
  const client = new Client({ baseUrl: server.url, apiKey: "k" });
  const run = await client.run({ name: "analyst", captureContent: true });
  run.thinking("too long");
  await assert.rejects(run.flush(), { code: "PAYLOAD_TOO_LARGE" });
  await run.complete();
  assert.equal(eventsAt(server).at(-1)?.type, "run.completed");
});
