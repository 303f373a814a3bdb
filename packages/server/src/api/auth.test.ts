import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon } from "@sandglass/testkit";

const ALPHA = "alpha-0123456789abcdef";
const BETA = "beta-0123456789abcdefg";
const OPERATOR = "operator-0123456789abc";
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ apiKeys: [OPERATOR, `a:${ALPHA}@alpha`, `b:${BETA}@beta`] });
});
after(() => daemon.stop());

const codeOf = async (line: string, call = {}) => (await callHttp(daemon, line, call)).json.error.code;

test("without a key only the public routes answer", async () => {
  for (const path of ["/healthz", "/readyz", "/openapi.json"]) {
    assert.equal((await callHttp(daemon, `GET ${path}`, { apiKey: "" })).status, 200, path);
  }
  for (const line of [
    "GET /v1/sandboxes",
    "POST /v1/sandboxes",
    "GET /v1/events",
    "GET /metrics",
    "GET /v1/doctor",
    "GET /v1/keys",
  ]) {
    const answer = await callHttp(daemon, line, { apiKey: "" });
    assert.deepEqual([answer.status, answer.json.error.code], [401, "UNAUTHORIZED"], line);
    assert.equal(answer.headers["www-authenticate"], "Bearer");
  }
});

test("a wrong key is refused and never shown", async () => {
  const answer = await callHttp(daemon, "GET /v1/sandboxes", { apiKey: "wrong-wrong-wrong-wrong" });
  assert.equal(answer.status, 401);
  assert.ok(!answer.text.includes("wrong-wrong"));
  assert.ok(!daemon.logs().includes("wrong-wrong"));
});

test("an organisation sees its own sandboxes, execs and files, and of others not that they exist", async () => {
  const { json } = await callHttp(daemon, "POST /v1/sandboxes", { apiKey: ALPHA });
  const path = `/v1/sandboxes/${json.id}`;
  assert.equal((await callHttp(daemon, `GET ${path}`, { apiKey: ALPHA })).status, 200);
  for (const apiKey of [BETA, OPERATOR]) {
    for (const line of [
      `GET ${path}`,
      `DELETE ${path}`,
      `POST ${path}/pause`,
      `GET ${path}/execs`,
      `GET ${path}/files`,
    ]) {
      assert.equal(await codeOf(line, { apiKey }), "SANDBOX_NOT_FOUND", line);
    }
    assert.equal(
      await codeOf(`POST ${path}/exec`, { apiKey, json: { command: "true" } }),
      "SANDBOX_NOT_FOUND",
    );
    assert.deepEqual((await callHttp(daemon, "GET /v1/sandboxes", { apiKey })).json.items, []);
    assert.equal(await codeOf(`GET /v1/traces/${json.traceId}`, { apiKey }), "TRACE_NOT_FOUND");
  }
  assert.equal((await callHttp(daemon, `DELETE ${path}`, { apiKey: ALPHA })).status, 204);
  const seen = jsonLines((await callHttp(daemon, "GET /v1/events", { apiKey: BETA })).text);
  assert.ok(seen.every((event) => event.orgId === "beta"));
  const own = jsonLines((await callHttp(daemon, "GET /v1/events?types=sandbox.*", { apiKey: ALPHA })).text);
  assert.deepEqual(new Set(own.map((event) => event.sandboxId)), new Set([json.id]));
});

test("a run cannot number events in a sandbox of another organisation", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { apiKey: ALPHA });
  const { json: run } = await callHttp(daemon, "POST /v1/runs", { apiKey: BETA, json: { name: "spy" } });
  const events = [{ type: "agent.error", data: { message: "x" }, sandboxId: sandbox.id }];
  assert.equal(
    await codeOf(`POST /v1/runs/${run.runId}/events`, { apiKey: BETA, json: { events } }),
    "SANDBOX_NOT_FOUND",
  );
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`, { apiKey: ALPHA });
});

test("a key is made, works at once, is listed without its secret, and ends at once", async () => {
  const made = await callHttp(daemon, "POST /v1/keys", { apiKey: ALPHA, json: { name: "ci" } });
  assert.equal(made.status, 201);
  const { id, key, orgId } = made.json;
  assert.equal(orgId, "alpha");
  assert.equal((await callHttp(daemon, "GET /v1/sandboxes", { apiKey: key })).status, 200);
  const listed = await callHttp(daemon, "GET /v1/keys", { apiKey: ALPHA });
  assert.deepEqual(listed.json.items.map((item: { name: string }) => item.name).toSorted(), ["a", "ci"]);
  assert.ok(!listed.text.includes(key));
  assert.equal(await codeOf(`DELETE /v1/keys/${id}`, { apiKey: BETA }), "KEY_NOT_FOUND");
  assert.equal((await callHttp(daemon, `DELETE /v1/keys/${id}`, { apiKey: ALPHA })).status, 204);
  assert.equal(await codeOf("GET /v1/sandboxes", { apiKey: key }), "UNAUTHORIZED");
  assert.ok(!daemon.logs().includes(key));
});

test("the operator makes keys for any organisation, others for their own alone", async () => {
  const made = await callHttp(daemon, "POST /v1/keys", { json: { name: "g", orgId: "gamma" } });
  assert.equal(made.json.orgId, "gamma");
  assert.equal(
    await codeOf("POST /v1/keys", { apiKey: ALPHA, json: { name: "x", orgId: "beta" } }),
    "FORBIDDEN",
  );
  const all = await callHttp(daemon, "GET /v1/keys");
  assert.ok(all.json.items.some((item: { id: string }) => item.id === made.json.id));
});

test("figures of the host and its configuration are the operator's, what it enforces is everybody's", async () => {
  assert.equal(await codeOf("GET /metrics", { apiKey: ALPHA }), "FORBIDDEN");
  const theirs = await callHttp(daemon, "GET /v1/doctor", { apiKey: ALPHA });
  assert.deepEqual(theirs.json.config, []);
  const { json, text } = await callHttp(daemon, "GET /v1/doctor");
  assert.ok(
    json.config.some(
      (entry: { option: string; value: string }) => entry.option === "apiKeys" && entry.value === "[set]",
    ),
  );
  assert.ok(!text.includes(ALPHA));
});

test("requests that a web page may have sent are refused, public routes included", async () => {
  const { host } = new URL(daemon.url);
  const headers = { origin: "http://evil.example" };
  assert.equal(await codeOf("GET /healthz", { headers: { host: "evil.example" } }), "HOST_NOT_ALLOWED");
  assert.equal(await codeOf("GET /v1/sandboxes", { headers }), "ORIGIN_NOT_ALLOWED");
  assert.equal(await codeOf("OPTIONS /v1/sandboxes", { headers }), "ORIGIN_NOT_ALLOWED");
  const fine = await callHttp(daemon, "GET /healthz", { headers: { origin: `http://${host}` } });
  assert.equal(fine.status, 200);
  assert.ok(!Object.keys(fine.headers).some((name) => name.startsWith("access-control")));
});

test("the first start makes a key that its user's programs find", async () => {
  await using local = await startDaemon({ apiKeys: [] });
  const credentials = JSON.parse(await readFile(local.credentialsFile, "utf8"));
  const { apiKey } = credentials[local.url];
  assert.equal((await callHttp(local, "GET /v1/sandboxes", { apiKey })).status, 200);
  assert.ok(!local.logs().includes(apiKey));
});
