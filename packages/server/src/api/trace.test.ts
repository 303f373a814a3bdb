import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, openHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ env: { SANDGLASS_LOG: "debug" } });
});
after(() => daemon.stop());

/** Follows the record until it has the `http.request` event of this request. */
async function requestEvent(requestId: string | string[] | undefined) {
  const follow = await openHttp(daemon, "GET /v1/events?types=http.request&follow=true");
  let text = "";
  for await (const chunk of follow.setEncoding("utf8")) {
    text += chunk;
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const event = jsonLines(whole).find(({ data }) => data.requestId === requestId);
    if (event !== undefined) return event;
  }
  throw new Error("the record ended");
}

test("a caller's trace is continued: the answer names our span in it, the event has the caller's as parent", async () => {
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "vendor=x" };
  const { json, headers: answered } = await callHttp(daemon, "POST /v1/sandboxes", { headers });
  const [, traceId, spanId, flags] = String(answered.traceresponse).split("-");
  assert.deepEqual([traceId, flags], [TRACE, "01"]);
  const request = await requestEvent(answered["x-request-id"]);
  assert.deepEqual([request.traceId, request.spanId, request.parentSpanId], [TRACE, spanId, PARENT]);
  assert.equal(request.data.sandboxId, json.id);
  assert.deepEqual(
    [request.data.method, request.data.route, request.data.status],
    ["POST", "/v1/sandboxes", 201],
  );
  assert.ok(request.data.durationMs > 0);
  const created = jsonLines(
    (await callHttp(daemon, `GET /v1/events?traceId=${TRACE}&types=sandbox.created`)).text,
  );
  assert.deepEqual(
    created.map((event) => event.parentSpanId),
    [spanId],
  );
  assert.equal(json.traceId, TRACE);
});

test("a bad traceparent begins a new trace and is no error", async () => {
  for (const traceparent of [
    "nonsense",
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}`,
    `ff-${TRACE}-${PARENT}-01`,
  ]) {
    const { status, headers } = await callHttp(daemon, "GET /healthz", { headers: { traceparent } });
    assert.equal(status, 200);
    assert.match(String(headers.traceresponse), /^00-(?!0{32}|4bf92f)[0-9a-f]{32}-[0-9a-f]{16}-03$/);
  }
});

test("every answer names its request, and every request is one event, the refused ones too", async () => {
  const ids = new Set<unknown>();
  for (const [line, call] of [
    ["GET /v1/none", {}],
    ["GET /v1/sandboxes", { apiKey: "" }],
    ["GET /v1/sandboxes/%zz", {}],
    ["GET /healthz", {}],
  ] as const) {
    const { headers, status } = await callHttp(daemon, line, call);
    const event = await requestEvent(headers["x-request-id"]);
    assert.equal(event.data.status, status);
    ids.add(headers["x-request-id"]);
  }
  assert.equal(ids.size, 4);
  const { text } = await callHttp(daemon, "GET /v1/events?types=http.request");
  const counts = Map.groupBy(jsonLines(text), ({ data }) => data.requestId);
  for (const id of ids) assert.equal(counts.get(id)?.length, 1);
});

test("probes are debug, refusals warn, and a refusal says its code", async () => {
  const level = async (line: string) => {
    const { headers } = await callHttp(daemon, line);
    const { level: of, data } = await requestEvent(headers["x-request-id"]);
    return [of, data.errorCode];
  };
  assert.deepEqual(await level("GET /readyz"), ["debug", undefined]);
  assert.deepEqual(await level("GET /metrics"), ["debug", undefined]);
  assert.deepEqual(await level("GET /v1/sandboxes"), ["info", undefined]);
  assert.deepEqual(await level("GET /v1/none"), ["warn", "ROUTE_NOT_FOUND"]);
});

test("a client that goes before the end is recorded as 499", async () => {
  const follow = await openHttp(daemon, "GET /v1/events?follow=true&types=run.*");
  follow.destroy();
  await once(follow, "close");
  const event = await requestEvent(follow.headers["x-request-id"]);
  assert.deepEqual([event.data.status, event.data.route], [499, "/v1/events"]);
});

test("a file's path is in the record only where its sandbox records it", async () => {
  for (const record of ["full", "metadata"] as const) {
    const { json } = await callHttp(daemon, "POST /v1/sandboxes", { json: { record } });
    const named = record === "full" ? "diary.txt" : "{path+}";
    // However a client spells the way there.
    for (const way of [
      "/v1/sandboxes/ID/files",
      "/%761/sandboxes/ID/%66ile%73",
      `${daemon.url}/v1/sandboxes/ID/files`,
    ]) {
      const path = way.replace("ID", json.id);
      const { headers } = await callHttp(daemon, `GET ${path}/diary.txt?x=secret`);
      const { data } = await requestEvent(headers["x-request-id"]);
      assert.equal(data.path, `/v1/sandboxes/${json.id}/files/${named}`, way);
    }
    await callHttp(daemon, `DELETE /v1/sandboxes/${json.id}`);
  }
});

test("the lines of one request carry its method, its path and the caller's trace", async () => {
  const traceparent = `00-${"a".repeat(32)}-${PARENT}-01`;
  const { headers } = await callHttp(daemon, "POST /v1/sandboxes", { headers: { traceparent } });
  await requestEvent(headers["x-request-id"]);
  // The lines of a log are written a moment after the answer.
  const own = await until("both lines are in the log", () => {
    const lines = daemon.logs().split("\n");
    const found = lines.filter(
      (line) => line.includes("a".repeat(32)) && /message="(sandbox created|request complete)"/.test(line),
    );
    return found.length < 2 ? undefined : found;
  });
  assert.equal(own.length, 2);
  for (const line of own) {
    assert.match(
      line,
      /(INFO|DEBUG) http_request method=POST path=\/v1\/sandboxes trace_id=a{32} parent_span_id=00f067aa0ba902b7 /,
    );
  }
});
