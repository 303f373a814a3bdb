import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import {
  callHttp,
  type HttpCall,
  jsonLines,
  openHttp,
  startDaemon,
  type TestDaemon,
} from "@sandglass/testkit";

const OTHER = "other-0123456789abcdef";
const MINE = "mine-0123456789abcdefg";
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ apiKeys: [MINE, `${OTHER}@other`] });
});
after(() => daemon.stop());

const keyed = (key: string, call: HttpCall = {}): HttpCall => ({
  ...call,
  headers: { ...call.headers, "idempotency-key": key },
});

test("a create sent twice makes one sandbox, also when both come at once", async () => {
  const key = randomUUID();
  const answers = await Promise.all(
    [1, 2, 3].map(() => callHttp(daemon, "POST /v1/sandboxes", keyed(key, { json: { template: "python" } }))),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
  assert.deepEqual(answers.map(({ headers }) => headers["idempotency-replayed"]).toSorted(), [
    "true",
    "true",
    undefined,
  ]);
  assert.equal((await callHttp(daemon, "GET /v1/sandboxes")).json.items.length, 1);
  await callHttp(daemon, `DELETE /v1/sandboxes/${answers[0]?.json.id}`);
  const late = await callHttp(daemon, "POST /v1/sandboxes", keyed(key, { json: { template: "python" } }));
  assert.deepEqual([late.json.id, late.json.state], [answers[0]?.json.id, "terminated"]);
});

test("the same key with another request is a conflict, in another organisation or route its own", async () => {
  const key = randomUUID();
  const first = await callHttp(daemon, "POST /v1/runs", keyed(key, { json: { name: "a" } }));
  const conflict = await callHttp(daemon, "POST /v1/runs", keyed(key, { json: { name: "b" } }));
  assert.deepEqual([conflict.status, conflict.json.error.code], [409, "IDEMPOTENCY_CONFLICT"]);
  const again = await callHttp(daemon, "POST /v1/runs", keyed(key, { json: { name: "a" } }));
  assert.deepEqual(again.json, first.json);
  const other = await callHttp(daemon, "POST /v1/runs", keyed(key, { json: { name: "a" }, apiKey: OTHER }));
  assert.notEqual(other.json.runId, first.json.runId);
  assert.equal((await callHttp(daemon, "POST /v1/keys", keyed(key, { json: { name: "a" } }))).status, 201);
});

test("a retried exec runs nothing twice and brings the whole stream, while it runs and afterwards", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes");
  const path = `/v1/sandboxes/${sandbox.id}`;
  const call = keyed(randomUUID(), {
    json: { command: "for n in 0 1 2; do echo $n; sleep 0.2; done # n=3" },
  });
  const broken = await openHttp(daemon, `POST ${path}/exec`, call);
  await once(broken, "data");
  broken.destroy();
  const during = await callHttp(daemon, `POST ${path}/exec`, call);
  const behind = await callHttp(daemon, `POST ${path}/exec`, call);
  for (const answer of [during, behind]) {
    assert.equal(answer.headers["x-exec-id"], broken.headers["x-exec-id"]);
    const lines = jsonLines(answer.text);
    assert.deepEqual(
      lines.map(({ seq }) => seq),
      lines.map((_, index) => index),
    );
    assert.equal(
      lines
        .filter(({ type }) => type === "stdout")
        .map(({ data }) => data)
        .join(""),
      "0\n1\n2\n",
    );
    assert.equal(lines.at(-1).cause, "exited");
  }
  assert.equal((await callHttp(daemon, `GET ${path}/execs`)).json.items.length, 1);
});

test("a request that failed leaves its key free", async () => {
  const key = randomUUID();
  assert.equal(
    (await callHttp(daemon, "POST /v1/sandboxes", keyed(key, { json: { template: "none" } }))).json.error
      .code,
    "TEMPLATE_NOT_FOUND",
  );
  assert.equal(
    (await callHttp(daemon, "POST /v1/sandboxes", keyed(key, { json: { template: "bash" } }))).status,
    201,
  );
});

test("a key that is none is refused", async () => {
  for (const key of ["", " ", "with space", "x".repeat(256)]) {
    const { json } = await callHttp(daemon, "POST /v1/runs", keyed(key, { json: { name: "a" } }));
    assert.equal(json.error?.code, "INVALID_REQUEST", JSON.stringify(key));
  }
});

test("after a crash and a restart a retry finds the same sandbox and the same exec, ended", async (context) => {
  const first = await startDaemon();
  let second: TestDaemon | undefined;
  context.after(async () => {
    await second?.stop();
    await first.stop(); // the data directory is the first one's to remove
  });
  const create = keyed(randomUUID(), { json: { template: "python" } });
  const { json: sandbox } = await callHttp(first, "POST /v1/sandboxes", create);
  const exec = keyed(randomUUID(), { json: { command: "echo begun; sleep 600 # n=100000" } });
  const stream = await openHttp(first, `POST /v1/sandboxes/${sandbox.id}/exec`, exec);
  await once(stream, "data");
  stream.on("error", () => undefined);
  await first.kill();

  second = await startDaemon({ dataDir: first.dataDir, apiKeys: [first.apiKey] });
  const recreated = await callHttp(second, "POST /v1/sandboxes", create);
  assert.deepEqual(
    [recreated.json.id, recreated.json.state, recreated.json.cause],
    [sandbox.id, "terminated", "host_crash"],
  );
  const replayed = await callHttp(second, `POST /v1/sandboxes/${sandbox.id}/exec`, exec);
  assert.equal(replayed.headers["x-exec-id"], stream.headers["x-exec-id"]);
  const lines = jsonLines(replayed.text);
  assert.equal(lines[0].data, "begun\n");
  assert.deepEqual([lines.at(-1).type, lines.at(-1).cause, lines.at(-1).code], ["exit", "host_crash", 137]);
});
