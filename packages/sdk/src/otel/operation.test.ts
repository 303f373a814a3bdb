import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { ROUTES, type RouteName } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { Client } from "../client.ts";
import {
  answerJson,
  beginStream,
  countingLines,
  EXEC_ID,
  SANDBOX_ID,
  type Script,
  ScriptedServer,
  sandboxInfo,
} from "../scripted-server.ts";
import { OPERATION_NAMES } from "./operation-names.ts";
import { TelemetrySink, traceparentOf } from "./testing/telemetry-sink.ts";

let sink: TelemetrySink;
before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager()));
beforeEach(() => {
  sink?.[Symbol.dispose]();
  sink = new TelemetrySink();
});
after(() => {
  sink[Symbol.dispose]();
  context.disable();
});

const healthy: Script = (request, response) => {
  if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
  beginStream(response);
  response.end(countingLines(2).join(""));
};
const clientOf = (server: ScriptedServer, options = {}): Client =>
  new Client({ baseUrl: server.url, apiKey: "sgk_secret", ...options });
const OWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("a call is a CLIENT span below the active one, and what the daemon is told is its child", async () => {
  await using server = await ScriptedServer.start(healthy);
  const tracer = trace.getTracer("test");
  const outer = await tracer.startActiveSpan("outer", async (span) => {
    await clientOf(server).createSandbox("python");
    span.end();
    return span.spanContext();
  });
  const span = sink.span("sandglass.sandboxes.create");
  assert.equal(span.kind, SpanKind.CLIENT);
  assert.equal(span.parentSpanContext?.spanId, outer.spanId);
  assert.equal(server.requests[0]?.headers.traceparent, traceparentOf(span));
  assert.deepEqual(span.attributes, {
    "http.request.method": "POST",
    "url.full": `${server.url}/v1/sandboxes`,
    "url.template": "/v1/sandboxes",
    "server.address": "127.0.0.1",
    "server.port": Number(new URL(server.url).port),
    "http.response.status_code": 201,
    "sandglass.sandbox.id": SANDBOX_ID,
    "sandglass.template.id": "python",
  });
  assert.deepEqual(span.links, []);
  assert.deepEqual(await sink.durations(), { "sandboxes.create": 1 });
});

test("without a provider the caller's own trace is sent, as it is with one that was taken away", async () => {
  await using server = await ScriptedServer.start(healthy);
  sink[Symbol.dispose]();
  await clientOf(server).sandboxes.create({ traceparent: OWN });
  assert.equal(server.requests[0]?.headers.traceparent, OWN);
  assert.deepEqual(sink.spans, []);
});

test("the sandbox's own traceparent is the parent, and the active span is linked", async () => {
  await using server = await ScriptedServer.start(healthy);
  const client = clientOf(server);
  await trace.getTracer("test").startActiveSpan("outer", async (outer) => {
    await client.sandboxes.create({ traceparent: OWN, tracestate: "v=1" });
    outer.end();
  });
  const span = sink.span("sandglass.sandboxes.create");
  assert.equal(span.parentSpanContext?.spanId, "b7ad6b7169203331");
  assert.equal(server.requests[0]?.headers.traceparent, traceparentOf(span));
  assert.match(traceparentOf(span), /^00-0af7651916cd43dd8448eb211c80319c-/);
  assert.equal(server.requests[0]?.headers.tracestate, "v=1");
  assert.equal(span.links[0]?.context.spanId, sink.span("outer").spanContext().spanId);
});

test("an error is recorded with its code, on the span and on the histogram", async () => {
  const error = { code: "SANDBOX_NOT_FOUND", message: "no sandbox x", requestId: "r" };
  await using server = await ScriptedServer.start((_, response) => answerJson(response, { error }, 404));
  await assert.rejects(clientOf(server).sandboxes.get("x"), { code: "SANDBOX_NOT_FOUND" });
  const span = sink.span("sandglass.sandboxes.get");
  assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message: "no sandbox x" });
  assert.equal(span.attributes["error.type"], "SANDBOX_NOT_FOUND");
  assert.equal(span.attributes["http.response.status_code"], 404);
  assert.equal(span.events[0]?.name, "exception");
  assert.equal(span.events[0]?.attributes?.["exception.message"], "no sandbox x");
  assert.deepEqual(await sink.durations(), { "sandboxes.get SANDBOX_NOT_FOUND": 1 });
  assert.doesNotMatch(JSON.stringify([span.attributes, span.events]), /sgk_secret/);
});

test("a file that is not there is an answer of exists, not an error", async () => {
  await using server = await ScriptedServer.start((request, response) => {
    if (request.method === "POST") return answerJson(response, sandboxInfo(), 201);
    response.writeHead(404, { "x-error-code": "FILE_NOT_FOUND" }).end();
  });
  const sandbox = await clientOf(server).createSandbox();
  assert.equal(await sandbox.files.exists("a"), false);
  const span = sink.span("sandglass.files.exists");
  assert.deepEqual([span.status.code, span.events], [SpanStatusCode.UNSET, []]);
});

test("requests that are sent again are one span, counted, all with its context", async () => {
  await using server = await ScriptedServer.start((_, response, count) => {
    if (count < 3) response.socket?.resetAndDestroy();
    else answerJson(response, sandboxInfo(), 201);
  });
  await clientOf(server).createSandbox();
  const span = sink.span("sandglass.sandboxes.create");
  assert.equal(span.attributes["http.request.resend_count"], 2);
  assert.deepEqual(
    span.events.map(({ name, attributes }) => [name, attributes?.["error.type"]]),
    [
      ["sandglass.resend", "ECONNRESET"],
      ["sandglass.resend", "ECONNRESET"],
    ],
  );
  assert.deepEqual(
    new Set(server.requests.map(({ headers }) => headers.traceparent)),
    new Set([traceparentOf(span)]),
  );
});

test("an exec's span ends when its stream does, over a connection that broke", async () => {
  const lines = countingLines(2);
  const exit = Promise.withResolvers<void>();
  await using server = await ScriptedServer.start(async (request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    beginStream(response);
    if (request.method === "POST") return void response.write(lines[0], () => response.destroy());
    response.write(lines[1]);
    await exit.promise;
    response.end(lines[2]);
  });
  const sandbox = await clientOf(server).createSandbox();
  const seen: string[] = [];
  const running = sandbox.commands.run("count", { onStdout: (text) => seen.push(text) });
  await until("both lines arrived", () => seen.length === 2);
  assert.ok(!sink.spans.some(({ name }) => name === "sandglass.execs.run"));
  exit.resolve();
  await running;
  const span = sink.span("sandglass.execs.run");
  assert.deepEqual(
    span.events.map(({ name }) => name),
    ["sandglass.reconnect"],
  );
  assert.equal(span.attributes["sandglass.exec.id"], EXEC_ID);
  assert.equal(span.attributes["sandglass.exec.kind"], "command");
  assert.deepEqual([span.attributes["process.exit.code"], span.attributes["sandglass.cause"]], [0, "exited"]);
  const [, ...sent] = server.requests.map(({ headers }) => headers.traceparent);
  assert.deepEqual(sent, [traceparentOf(span), traceparentOf(span)]);
  assert.deepEqual(await sink.durations(), { "sandboxes.create": 1, "execs.run": 1 });
});

test("an aborted exec is an error, one whose reader left is none, and a handler's error ends it too", async () => {
  await using server = await ScriptedServer.start((request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    if (request.url.endsWith("/kill")) return answerJson(response, {});
    beginStream(response);
    response.write(countingLines(1)[0]);
  });
  const sandbox = await clientOf(server).createSandbox();
  const controller = new AbortController();
  const onStdout = (): void => controller.abort(new RangeError("enough"));
  await assert.rejects(sandbox.commands.run("x", { signal: controller.signal, onStdout }), /enough/);
  for await (const _ of sandbox.commands.stream("x")) break;
  const onStart = (): void => {
    throw new TypeError("of the handler");
  };
  await assert.rejects(sandbox.commands.run("x", { onStart }), /of the handler/);
  const execs = sink.spans.filter(({ name }) => name === "sandglass.execs.run");
  assert.deepEqual(
    execs.map(({ attributes }) => attributes["error.type"]),
    ["RangeError", undefined, "TypeError"],
  );
});

test("the spans of a download and of a reading of events last as long as their bodies", async () => {
  const rest = Promise.withResolvers<void>();
  await using server = await ScriptedServer.start(async (request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    response.writeHead(200).write('{"type":"gap","cursor":"1"}\n');
    await rest.promise;
    response.end();
  });
  const client = clientOf(server);
  const sandbox = await client.createSandbox();
  const stream = await sandbox.files.readStream("a");
  const events = client.events();
  await events.next();
  assert.equal(sink.spans.length, 1);
  rest.resolve();
  for await (const _ of stream);
  for await (const _ of events);
  await until("both spans ended", () => sink.spans.length === 3);
  assert.equal(sink.span("sandglass.files.read").status.code, SpanStatusCode.UNSET);
  assert.equal(sink.span("sandglass.events.read").status.code, SpanStatusCode.UNSET);
});

test("closing a client ends the spans of what is under way", async () => {
  await using server = await ScriptedServer.start(() => undefined);
  const client = clientOf(server);
  const pending = assert.rejects(client.doctor(), { code: "CONNECTION_FAILED" });
  await until("the request arrived", () => server.requests.length === 1);
  await client.close();
  assert.equal(sink.span("sandglass.doctor").attributes["error.type"], "CONNECTION_FAILED");
  await pending;
});

test("every route has a name of its own", () => {
  const routes = Object.keys(ROUTES) as RouteName[];
  const names = routes.map((route) => OPERATION_NAMES[route]);
  for (const [index, name] of names.entries()) assert.match(name ?? routes[index], /^[a-z]+(\.[a-z_]+)?$/);
  assert.equal(new Set(names).size, routes.length);
});
