import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import {
  callHttp,
  type HttpAnswer,
  openHttp,
  startDaemon,
  startHttp,
  type TestDaemon,
  until,
} from "@sandglass/testkit";

const OTHERS = { "sec-fetch-site": "same-site", origin: "http://127.0.0.1:1" };
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.stop());

interface Signed {
  cookie: string;
  "x-sandglass-console": string;
}

async function makeLink(apiKey = daemon.apiKey): Promise<string> {
  const { status, json } = await callHttp(daemon, "POST /v1/console/links", { apiKey });
  assert.equal(status, 201);
  return json.path.split("#")[1];
}

const exchange = (token: unknown, headers = {}): Promise<HttpAnswer> =>
  callHttp(daemon, "POST /console/session", { apiKey: "", json: { token }, headers });

async function signIn(apiKey = daemon.apiKey): Promise<Signed> {
  const answer = await exchange(await makeLink(apiKey));
  assert.equal(answer.status, 201);
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  return { cookie: cookie.split(";")[0] ?? "", "x-sandglass-console": answer.json.pageToken };
}

const call = (line: string, headers: object, json?: unknown): Promise<HttpAnswer> =>
  callHttp(daemon, line, { apiKey: "", headers: { ...headers }, ...(json !== undefined && { json }) });

async function makeKey(scopes: string[]): Promise<{ id: string; key: string }> {
  const { json } = await callHttp(daemon, "POST /v1/keys", { json: { name: "viewer", scopes } });
  return json;
}

test("a link signs in once, by a cookie that no script and no other site gets", async () => {
  const token = await makeLink();
  const answer = await exchange(token);
  assert.equal(answer.status, 201);
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  assert.match(
    cookie,
    /^sandglass_console_[0-9]+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43(199|200)$/,
  );
  const again = await exchange(token);
  assert.deepEqual([again.status, again.json.error.code], [401, "UNAUTHORIZED"]);
  assert.equal(again.headers["set-cookie"], undefined);
});

test("a token that is none of ours, or no text, signs nobody in", async () => {
  for (const token of ["", "x".repeat(43), daemon.apiKey]) assert.equal((await exchange(token)).status, 401);
  for (const token of [null, 1, {}]) assert.equal((await exchange(token)).status, 400);
  assert.equal((await callHttp(daemon, "POST /console/session", { apiKey: "", json: null })).status, 400);
});

test("the session is its key: it reads what the key may, and the API says whose it is", async () => {
  const signed = await signIn();
  assert.equal((await call("GET /v1/sandboxes", signed)).status, 200);
  const { json } = await call("GET /console/session", signed);
  assert.deepEqual([json.key.orgId, json.key.scopes], ["default", ["admin"]]);
  const viewer = await signIn((await makeKey(["sandboxes:read"])).key);
  assert.equal((await call("GET /v1/sandboxes", viewer)).status, 200);
  for (const line of ["POST /v1/sandboxes", "GET /v1/events", "GET /v1/keys", "GET /metrics"]) {
    assert.equal((await call(line, viewer, line.startsWith("POST") ? {} : undefined)).status, 403, line);
  }
});

test("the cookie alone opens nothing, neither to read nor to write: other ports of the host get to see it", async () => {
  const { cookie, ...page } = await signIn();
  for (const line of [
    "GET /v1/sandboxes",
    "POST /v1/sandboxes",
    "GET /v1/events?follow=true",
    "GET /metrics",
  ]) {
    assert.equal((await call(line, { cookie })).status, 401, line);
    assert.equal((await call(line, { cookie, "x-sandglass-console": "1" })).status, 401, line);
    assert.equal((await call(line, page)).status, 401, line);
  }
});

test("pages of other origins are refused, also with both secrets", async () => {
  const signed = await signIn();
  for (const line of [
    "GET /v1/sandboxes",
    "POST /v1/sandboxes",
    "GET /console/session",
    "DELETE /console/session",
  ]) {
    assert.equal((await call(line, { ...signed, ...OTHERS })).json.error.code, "ORIGIN_NOT_ALLOWED", line);
  }
  const refused = await exchange(await makeLink(), OTHERS);
  assert.equal(refused.json.error.code, "ORIGIN_NOT_ALLOWED");
  assert.equal((await call("GET /v1/sandboxes", { ...signed, host: "evil.example" })).status, 403);
});

test("a session makes no further link, and is nothing to /mcp and /otlp", async () => {
  const signed = await signIn();
  assert.equal((await call("POST /v1/console/links", signed)).json.error.code, "FORBIDDEN");
  assert.equal((await call("POST /otlp/v1/traces", signed, {})).status, 401);
});

test("signing out ends the session on the daemon, not only in the browser", async () => {
  const signed = await signIn();
  const out = await call("DELETE /console/session", signed);
  assert.equal(out.status, 204);
  assert.match(out.headers["set-cookie"]?.[0] ?? "", /=; .*Max-Age=0/);
  assert.equal((await call("GET /v1/sandboxes", signed)).status, 401);
});

test("signing out cuts what the session has open, and what it has begun to send; nothing else's, and no exec", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const exec = `POST /v1/sandboxes/${sandbox.id}/exec`;
  const [mine, theirs] = [await signIn(), await signIn()];
  const open = (headers: object, line: string, json?: unknown) =>
    openHttp(daemon, line, { apiKey: "", headers: { ...headers }, ...(json !== undefined && { json }) });
  const running = await open(mine, exec, { command: "echo begun; sleep 1000" });
  await once(running, "data");
  const execId = running.headers["x-exec-id"];
  const streams = [
    running,
    await open(mine, "GET /v1/events?follow=true"),
    await open(mine, "GET /v1/logs/tail"),
    await open(mine, `GET /v1/sandboxes/${sandbox.id}/execs/${execId}/stream`),
  ];
  const other = await open(theirs, "GET /v1/events?follow=true");
  const cut = new Set<unknown>();
  for (const stream of streams) {
    stream
      .on("error", () => cut.add(stream))
      .on("end", () => assert.fail("it is no whole answer"))
      .resume();
  }
  const begun = startHttp(daemon, "POST /v1/keys", {
    apiKey: "",
    headers: { ...mine, "content-type": "application/json", "content-length": "100" },
    isOpen: true,
  });
  const refused = once(begun, "response");
  begun.write('{"name":');
  // Read by the time that a later one is answered.
  assert.equal((await call("GET /v1/keys", mine)).status, 200);
  assert.equal((await call("DELETE /console/session", mine)).status, 204);
  await until("all of them are cut", () => cut.size === streams.length);
  const [refusal] = await refused;
  assert.equal(refusal.statusCode, 401);
  refusal.destroy();
  // The other page hears of what happens afterwards, and what ran runs on.
  const heard = new Promise<void>((resolve) =>
    other.on("data", (chunk: Buffer) => chunk.includes("signed-out-elsewhere") && resolve()),
  );
  await callHttp(daemon, "POST /v1/runs", { json: { name: "signed-out-elsewhere" } });
  await heard;
  other.destroy();
  const { json } = await callHttp(daemon, `GET /v1/sandboxes/${sandbox.id}/execs/${execId}`);
  assert.equal(json.state, "running");
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
});

test("a revoked key ends its sessions, its links, and the stream of a page that is open", async () => {
  const { id, key } = await makeKey(["sandboxes:read", "events:read"]);
  const signed = await signIn(key);
  const unused = await makeLink(key);
  const stream = await openHttp(daemon, "GET /v1/events?follow=true", { apiKey: "", headers: { ...signed } });
  const ended = new Promise<void>((resolve) => {
    stream
      .on("error", () => undefined)
      .once("close", resolve)
      .resume();
  });
  assert.equal((await callHttp(daemon, `DELETE /v1/keys/${id}`)).status, 204);
  await ended;
  assert.equal((await call("GET /v1/sandboxes", signed)).status, 401);
  assert.equal((await exchange(unused)).status, 401);
});

test("nothing of a link or a session is in the record or the daemon's log", async () => {
  const token = await makeLink();
  const answer = await exchange(token);
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  const { text } = await callHttp(daemon, "GET /v1/events");
  assert.match(text, /\/console\/session/);
  for (const secret of [token, answer.json.pageToken, cookie.split(";")[0]?.split("=")[1] ?? ""]) {
    assert.equal(secret.length, 43);
    assert.ok(!text.includes(secret) && !daemon.logs().includes(secret));
  }
});

test("a daemon that is to have no console serves none, and signs nobody in", async () => {
  await using bare = await startDaemon({ args: ["--no-console-enabled", "--pool", "python=0"] });
  for (const path of ["/console/", "/console/session"]) {
    const { status, json } = await callHttp(bare, `GET ${path}`);
    assert.deepEqual([status, json.error.code], [404, "ROUTE_NOT_FOUND"], path);
  }
  const { status, json } = await callHttp(bare, "POST /v1/console/links");
  assert.deepEqual([status, json.error.code], [422, "UNSUPPORTED_ON_HOST"]);
  assert.match(json.error.message, /console\.enabled is false/);
});
