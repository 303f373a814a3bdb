import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type HttpCall, startDaemon, type TestDaemon } from "@sandglass/testkit";

const SECRET = `whsec_${Buffer.from("hunter2-hunter2-hunter2-hunter2-").toString("base64")}`;
const OPERATOR = "operator-0123456789abc";
const ALPHA = "alpha-0123456789abcdef";
const BETA = "beta-0123456789abcdefg";
/** Public by its address; reserved for documentation names do not resolve, and nothing here waits for them to. */
const PUBLIC = { provider: "webhook", config: { url: "https://hooks.example.com/in", secret: SECRET } };

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({
    apiKeys: [OPERATOR, `a:${ALPHA}@alpha`, `b:${BETA}@beta`],
    args: ["--pool", "python=0"],
    env: {
      HOOK_SECRET: SECRET,
      AXIOM_TOKEN: "xaat-of-the-operator",
      SANDGLASS_OBSERVABILITY: JSON.stringify({ provider: "console", id: "audit" }),
    },
  });
});
after(() => daemon.stop());

const as = async (apiKey: string, line: string, json?: unknown) =>
  callHttp(daemon, line, { apiKey, ...(json !== undefined && { json }) } satisfies HttpCall);
const refusal = async (apiKey: string, line: string, json?: unknown) => {
  const answer = await as(apiKey, line, json);
  return `${answer.status} ${answer.json.error.code}`;
};
const idsOf = async (apiKey: string) =>
  (await as(apiKey, "GET /v1/exporters")).json.items.map(({ id }: { id: string }) => id);

test("an organisation has exporters of its own and sees no others", async () => {
  const added = await as(ALPHA, "POST /v1/exporters", { ...PUBLIC, id: "mine" });
  assert.deepEqual([added.status, added.json.id], [201, "mine"], added.text);
  assert.deepEqual(await idsOf(ALPHA), ["mine"]);
  assert.deepEqual(await idsOf(BETA), []);
  assert.deepEqual(await idsOf(OPERATOR), ["audit", "alpha.mine"]);
  for (const id of ["mine", "alpha.mine", "audit"]) {
    for (const line of [
      `GET /v1/exporters/${id}`,
      `DELETE /v1/exporters/${id}`,
      `POST /v1/exporters/${id}/retry`,
    ])
      assert.equal(await refusal(BETA, line), "404 EXPORTER_NOT_FOUND", line);
    assert.equal(await refusal(BETA, `PUT /v1/exporters/${id}`, PUBLIC), "404 EXPORTER_NOT_FOUND");
    assert.equal(await refusal(BETA, "POST /v1/exporters/flush", { ids: [id] }), "404 EXPORTER_NOT_FOUND");
  }
  const changed = await as(ALPHA, "PUT /v1/exporters/mine", { ...PUBLIC, id: "mine" });
  assert.deepEqual([changed.status, changed.json.id], [200, "mine"]);
  assert.equal((await as(ALPHA, "POST /v1/exporters/mine/retry")).json.id, "mine");
  assert.equal((await as(OPERATOR, "DELETE /v1/exporters/alpha.mine")).status, 204);
  assert.deepEqual(await idsOf(ALPHA), []);
});

test("a name is every organisation's own, also one of the configuration", async () => {
  for (const apiKey of [ALPHA, BETA]) {
    const { status, json } = await as(apiKey, "POST /v1/exporters", { ...PUBLIC, id: "audit" });
    assert.deepEqual([status, json.id], [201, "audit"]);
    const unnamed = await as(apiKey, "POST /v1/exporters", PUBLIC);
    assert.equal(unnamed.json.id, "webhook");
    assert.equal((await as(apiKey, "POST /v1/exporters", PUBLIC)).json.id, "webhook-2");
    assert.equal(
      await refusal(apiKey, "POST /v1/exporters", { ...PUBLIC, id: "audit" }),
      "409 EXPORTER_CONFLICT",
    );
    for (const id of ["audit", "webhook", "webhook-2"]) await as(apiKey, `DELETE /v1/exporters/${id}`);
  }
});

test("what is the host's is not for other organisations: files, its network, its environment, its terminal", async () => {
  const hook = (config: object) => ({ ...PUBLIC, config: { ...PUBLIC.config, ...config } });
  const refused: [spec: object, code: RegExp, message: RegExp][] = [
    [{ provider: "jsonl", config: { filePath: "/tmp/x" } }, /INVALID_REQUEST/, /jsonl|files/],
    [{ provider: "console" }, /INVALID_REQUEST/, /console/],
    [
      { provider: "postgres", config: { connectionString: "postgres://db.example.com/x" } },
      /INVALID_REQUEST/,
      /postgres/,
    ],
    [hook({ url: "http://127.0.0.1:9/x" }), /INVALID_REQUEST|FORBIDDEN/, /private|loopback|public/],
    [hook({ url: "http://169.254.169.254/latest" }), /INVALID_REQUEST|FORBIDDEN/, /private|link|public/],
    [hook({ url: "http://[::1]/x" }), /INVALID_REQUEST|FORBIDDEN/, /private|loopback|public/],
    [hook({ secret: { env: "HOOK_SECRET" } }), /FORBIDDEN/, /environment/],
    [hook({ headers: { authorization: { env: "AXIOM_TOKEN" } } }), /FORBIDDEN/, /environment/],
    [{ provider: "axiom", config: { token: { env: "AXIOM_TOKEN" } } }, /FORBIDDEN/, /environment/],
    [{ provider: "axiom" }, /INVALID_REQUEST/, /token/],
  ];
  for (const [spec, code, message] of refused) {
    const { json, text } = await as(ALPHA, "POST /v1/exporters", spec);
    assert.match(json.error?.code ?? text, code, text);
    assert.match(json.error.message, message);
    assert.ok(!text.includes("of-the-operator"));
  }
  assert.deepEqual(await idsOf(ALPHA), []);
  const { status } = await as(ALPHA, "POST /v1/exporters", { ...PUBLIC, id: "plain" });
  assert.equal(status, 201);
  assert.match(await refusal(ALPHA, "PUT /v1/exporters/plain", hook({ url: "http://10.0.0.1/" })), /^40/);
  await as(ALPHA, "DELETE /v1/exporters/plain");
});

test("a key without admin has no part in exporters and keys, and gives nobody more than it has", async () => {
  const scopes = ["sandboxes:read", "events:read"];
  const { json } = await as(OPERATOR, "POST /v1/keys", { name: "plain", scopes });
  assert.deepEqual(json.scopes, scopes);
  for (const line of [
    "GET /v1/exporters",
    "GET /v1/exporters/audit",
    "GET /metrics",
    "GET /v1/keys",
    "DELETE /v1/keys/x",
  ])
    assert.equal(await refusal(json.key, line), "403 FORBIDDEN", line);
  assert.equal(await refusal(json.key, "POST /v1/exporters", PUBLIC), "403 FORBIDDEN");
  assert.equal(await refusal(json.key, "POST /v1/keys", { name: "x" }), "403 FORBIDDEN");
  const admin = await as(OPERATOR, "POST /v1/keys", { name: "second", scopes: ["admin"] });
  assert.deepEqual(await idsOf(admin.json.key), ["audit"]);
});

test("admin of an organisation is no operator", async () => {
  const { json } = await as(OPERATOR, "POST /v1/keys", { name: "theirs", orgId: "alpha" });
  assert.deepEqual(json.scopes, ["admin"]);
  assert.deepEqual(await idsOf(json.key), []);
  assert.equal(await refusal(json.key, "GET /v1/exporters/audit"), "404 EXPORTER_NOT_FOUND");
  assert.equal(await refusal(json.key, "POST /v1/exporters", { provider: "console" }), "400 INVALID_REQUEST");
  assert.equal(await refusal(json.key, "GET /metrics"), "403 FORBIDDEN");
  assert.equal(await refusal(json.key, "POST /v1/keys", { name: "x", orgId: "beta" }), "403 FORBIDDEN");
  assert.deepEqual((await as(json.key, "GET /v1/doctor")).json.config, []);
  const others = (await as(OPERATOR, "GET /v1/keys")).json.items.filter(
    (key: { orgId: string }) => key.orgId !== "alpha",
  );
  assert.ok(others.length > 0);
  for (const { id } of others)
    assert.equal(await refusal(json.key, `DELETE /v1/keys/${id}`), "404 KEY_NOT_FOUND");
});

test("an organisation has at most ten, also when asked for at once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => as(BETA, "POST /v1/exporters", { ...PUBLIC, id: `n${index}` })),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [...Array(10).fill(201), 429, 429]);
  assert.ok(answers.some(({ json }) => json.error?.code === "EXPORTER_LIMIT_REACHED"));
  assert.equal((await as(ALPHA, "POST /v1/exporters", PUBLIC)).status, 201);
});
