import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { after, test } from "node:test";
import { type Context, context, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { Client } from "./client.ts";
import { answerJson, beginStream, countingLines, ScriptedServer, sandboxInfo } from "./scripted-server.ts";

const TRACE_A = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_B = "00-11111111111111111111111111111111-2222222222222222-01";

// The least that makes `context.with` work: what an application's OpenTelemetry set-up registers.
const storage = new AsyncLocalStorage<Context>();
context.setGlobalContextManager({
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (given, fn, thisArg, ...args) => storage.run(given, () => fn.call(thisArg as never, ...args)),
  bind: (_given, target) => target,
  enable() {
    return this;
  },
  disable() {
    return this;
  },
});
after(() => context.disable());

const daemon = (): Promise<ScriptedServer> =>
  ScriptedServer.start((request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    beginStream(response);
    response.end(countingLines(0).join(""));
  });

const sent = (server: ScriptedServer): (string | undefined)[] =>
  server.requests.map(({ headers }) => headers.traceparent as string | undefined);

test("the sandbox's own traceparent is carried by every call of it, above the client's", async () => {
  await using server = await daemon();
  const client = new Client({ baseUrl: server.url, apiKey: "k", traceparent: TRACE_B });
  const sandbox = await client.sandboxes.create({ traceparent: TRACE_A, tracestate: "v=1", baggage: "a=b" });
  await sandbox.runCode("1");
  await client.createSandbox();
  assert.deepEqual(sent(server), [TRACE_A, TRACE_A, TRACE_B]);
  assert.equal(server.requests[1]?.headers.tracestate, "v=1");
  assert.equal(server.requests[1]?.headers.baggage, "a=b");
});

test("the active OpenTelemetry span is the parent where a sandbox has none of its own, with tracestate and baggage", async () => {
  await using server = await daemon();
  const client = new Client({ baseUrl: server.url, apiKey: "k", traceparent: TRACE_B });
  const spanContext = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };
  const baggage = propagation.createBaggage({ user: { value: "ä b" } });
  const active = propagation.setBaggage(trace.setSpanContext(ROOT_CONTEXT, spanContext), baggage);
  const sandbox = await context.with(active, () => client.createSandbox());
  await sandbox.runCode("1");
  assert.deepEqual(sent(server), [`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, TRACE_B]);
  assert.equal(server.requests[0]?.headers.baggage, "user=%C3%A4%20b");
});

test("without any trace of the caller's, a sandbox's calls join the trace it was created in", async () => {
  await using server = await daemon();
  const sandbox = await new Client({ baseUrl: server.url, apiKey: "k" }).createSandbox();
  const result = await sandbox.runCode("1");
  assert.deepEqual(sent(server), [undefined, `00-${sandbox.traceId}-00f067aa0ba902b7-01`]);
  assert.equal(result.traceId, sandbox.traceId);
});

test("SANDGLASS_TRACEPARENT is the last resort", async () => {
  await using server = await daemon();
  process.env.SANDGLASS_TRACEPARENT = TRACE_A;
  try {
    await new Client({ baseUrl: server.url, apiKey: "k" }).createSandbox();
    await new Client({ baseUrl: server.url, apiKey: "k", traceparent: TRACE_B }).createSandbox();
  } finally {
    delete process.env.SANDGLASS_TRACEPARENT;
  }
  assert.deepEqual(sent(server), [TRACE_A, TRACE_B]);
});

test("an invalid traceparent is warned about once and never sent", async () => {
  await using server = await daemon();
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listener);
  const client = new Client({ baseUrl: server.url, apiKey: "k", traceparent: "00-bad" });
  await client.createSandbox("python", { traceparent: TRACE_A.toUpperCase(), tracestate: "v=1" });
  process.off("warning", listener);
  assert.deepEqual(sent(server), [undefined]);
  assert.equal(server.requests[0]?.headers.tracestate, undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]?.message ?? "", /00-bad.* not a valid W3C traceparent/);
});
