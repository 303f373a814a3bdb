import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type HttpAnswer, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import { connectHttp, startServing } from "./mcp-clients.ts";

let daemon: TestDaemon;
before(async () => {
  daemon = await startServing();
});
after(() => daemon.stop());

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};

/** A message as a client without an SDK sends it. */
function post(headers: Record<string, string> = {}, message: unknown = initialize): Promise<HttpAnswer> {
  return callHttp(daemon, "POST /mcp", {
    headers: {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      ...headers,
    },
    body: typeof message === "string" ? message : JSON.stringify(message),
  });
}

function codeOf({ json }: HttpAnswer): string {
  return json.error.code;
}

test("without a key of this daemon nobody gets in, and with one that may not make sandboxes neither", async () => {
  await assert.rejects(connectHttp(daemon, { apiKey: "wrong" }));
  const wrong = await post({ authorization: "Bearer wrong" });
  assert.deepEqual([wrong.status, codeOf(wrong)], [401, "UNAUTHORIZED"]);
  const api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const { key } = await api.keys.create("reader", { scopes: ["events:read"] });
  const reader = await post({ authorization: `Bearer ${key}` });
  assert.deepEqual([reader.status, codeOf(reader)], [403, "FORBIDDEN"]);
  await api.close();
});

test("a web page gets in neither under a name of its own nor from its own origin", async () => {
  const page = await post({ origin: "http://evil.example" });
  assert.deepEqual([page.status, codeOf(page)], [403, "ORIGIN_NOT_ALLOWED"]);
  const rebound = await post({ host: "evil.example" });
  assert.deepEqual([rebound.status, codeOf(rebound)], [403, "HOST_NOT_ALLOWED"]);
});

test("a session is of the key that opened it: with another it is unknown", async () => {
  await using mcp = await connectHttp(daemon);
  await mcp.call("run_code", { code: "1" });
  const api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const { key } = await api.keys.create("other", { scopes: ["sandboxes:write"] });
  const session = { "mcp-session-id": mcp.transport.sessionId ?? "" };
  const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
  assert.equal((await post({ ...session, authorization: `Bearer ${key}` }, list)).status, 404);
  assert.equal((await post(session, list)).status, 200);
  await api.close();
});

test("what is no message of MCP is refused, and leaves no session behind", async () => {
  assert.equal((await post({}, "{")).status, 400);
  assert.equal((await post({}, { jsonrpc: "2.0", id: 1, method: "tools/list" })).status, 400);
  assert.equal((await post({ "mcp-session-id": "nonsense" })).status, 404);
  assert.equal((await post({ "content-type": "text/plain" })).status, 415);
  for (const method of ["PUT", "TRACE", "HEAD"]) {
    const { status, headers } = await callHttp(daemon, `${method} /mcp`);
    assert.deepEqual([status, headers.allow], [405, "GET, POST, DELETE"], method);
  }
  const large = await post({}, `"${"x".repeat(17 * 1024 * 1024)}"`);
  assert.deepEqual([large.status, codeOf(large)], [413, "PAYLOAD_TOO_LARGE"]);
  assert.equal((await callHttp(daemon, "GET /mcp/below")).status, 404);
});

test("the answers say which request of the record they are", async () => {
  const answer = await post();
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers["x-request-id"]), /^req_/);
  assert.match(String(answer.headers["mcp-session-id"]), /^[0-9a-f-]{36}$/);
  assert.equal(answer.headers["access-control-allow-origin"], undefined);
});

test("one key may have a quarter of the sessions, and the others have theirs", async () => {
  const api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const scopes = ["sandboxes:read", "sandboxes:write", "events:read"] as const;
  const [greedy, modest] = await Promise.all(
    ["greedy", "modest"].map((name) => api.keys.create(name, { scopes: [...scopes] })),
  );
  await api.close();
  const open = (key: string) => post({ authorization: `Bearer ${key}` });
  const opened = await Promise.all(Array.from({ length: 64 }, () => open(greedy!.key)));
  assert.deepEqual([...new Set(opened.map(({ status }) => status))], [200]);
  const refused = await open(greedy!.key);
  assert.equal(refused.status, 503);
  assert.match(refused.text, /this key has 64 sessions already: end one with DELETE/);
  assert.equal((await open(modest!.key)).status, 200);

  const ended = await callHttp(daemon, "DELETE /mcp", {
    headers: {
      authorization: `Bearer ${greedy!.key}`,
      "mcp-session-id": String(opened[0]!.headers["mcp-session-id"]),
    },
  });
  assert.equal(ended.status, 200, ended.text);
  assert.equal((await open(greedy!.key)).status, 200);
});
