import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { callHttp, type HttpCall, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const SECRET = `whsec_${Buffer.from("hunter2-hunter2-hunter2-hunter2-").toString("base64")}`;
/** A stop does not wait long for what cannot be delivered. */
const IN_A_HURRY = { SANDGLASS_SHUTDOWN_TIMEOUT_MS: "1000" };
/** Nothing listens there. */
const NOWHERE = { provider: "webhook", config: { url: "http://127.0.0.1:9/hook", secret: SECRET } };

let daemon: TestDaemon;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-exporters-"));
  const fromConfig = { id: "configured", provider: "jsonl", config: { filePath: join(folder, "all.jsonl") } };
  daemon = await startDaemon({
    dataDir: join(folder, "data"),
    args: ["--pool", "python=0"],
    env: { SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters: [fromConfig] }), HOOK_SECRET: SECRET },
  });
});
after(async () => {
  await daemon.stop();
  await rm(folder, { recursive: true });
});

const call = (line: string, json?: unknown, target = daemon) =>
  callHttp(target, line, json === undefined ? {} : { json });
const codeOf = async (line: string, more: HttpCall = {}) => {
  const { status, json } = await callHttp(daemon, line, more);
  return [status, json.error.code];
};
const linesOf = async (path: string) => jsonLines(await readFile(path, "utf8").catch(() => ""));

test("an exporter of the configuration gets everything from the daemon's start on", async () => {
  const { json } = await call("POST /v1/exporters/flush", {});
  assert.equal(json.pending, 0);
  const [first] = await linesOf(join(folder, "all.jsonl"));
  assert.equal(first.type, "host.started");
  const { json: info } = await call("GET /v1/exporters/configured");
  assert.deepEqual([info.provider, info.origin, info.state], ["jsonl", "config", "running"]);
});

test("what the configuration says, the API does not change", async () => {
  const spec = { provider: "console" };
  assert.deepEqual(await codeOf("PUT /v1/exporters/configured", { json: spec }), [409, "EXPORTER_CONFLICT"]);
  assert.deepEqual(await codeOf("DELETE /v1/exporters/configured"), [409, "EXPORTER_CONFLICT"]);
  assert.deepEqual(await codeOf("POST /v1/exporters", { json: { ...spec, id: "configured" } }), [
    409,
    "EXPORTER_CONFLICT",
  ]);
});

test("an exporter is added, delivers what its filter wants, is changed, and removed", async () => {
  const filePath = join(folder, "requests.jsonl");
  const spec = {
    id: "requests",
    provider: "jsonl",
    config: { filePath },
    filter: { types: ["http.request"], where: 'data.path == "/v1/sandboxes"' },
  };
  const added = await call("POST /v1/exporters", spec);
  assert.deepEqual([added.status, added.json.id, added.json.origin], [201, "requests", "api"]);
  await call("GET /v1/sandboxes");
  await call("GET /v1/keys");
  await until("the event is in the file", async () => {
    const { json } = await call("POST /v1/exporters/flush", { ids: ["requests"], timeoutMs: 10_000 });
    assert.equal(json.pending, 0);
    return (await linesOf(filePath)).length > 0;
  });
  assert.deepEqual(
    (await linesOf(filePath)).map(({ data }) => data.path),
    ["/v1/sandboxes"],
  );
  const listed = (await call("GET /v1/exporters")).json.items;
  assert.deepEqual(
    listed.map(({ id }: { id: string }) => id),
    ["configured", "requests"],
  );
  const { counts } = listed[1];
  const { accepted, delivered, filtered, queued, inFlight } = counts;
  assert.equal(accepted, delivered + filtered + queued + inFlight);
  assert.deepEqual([delivered, counts.dropped], [1, {}]);

  const changed = await call("PUT /v1/exporters/requests", { ...spec, filter: { types: ["host.*"] } });
  assert.deepEqual([changed.status, changed.json.counts.delivered], [200, 1]);
  assert.deepEqual(await codeOf("PUT /v1/exporters/requests", { json: { ...spec, id: "other" } }), [
    400,
    "INVALID_REQUEST",
  ]);

  assert.equal((await call("DELETE /v1/exporters/requests")).status, 204);
  for (const line of ["GET /v1/exporters/requests", "DELETE /v1/exporters/requests"])
    assert.deepEqual(await codeOf(line), [404, "EXPORTER_NOT_FOUND"]);
  assert.deepEqual(await codeOf("POST /v1/exporters/requests/retry"), [404, "EXPORTER_NOT_FOUND"]);
  assert.deepEqual(await codeOf("POST /v1/exporters/flush", { json: { ids: ["requests"] } }), [
    404,
    "EXPORTER_NOT_FOUND",
  ]);
});

test("a mistake is answered with what to change, and nothing is added", async () => {
  const mistakes: [spec: object, message: RegExp][] = [
    [{ provider: "jsnl" }, /jsnl.*did you mean "jsonl"/],
    [{ provider: "jsonl", config: { filePath: 7 } }, /config.*filePath must be a string/],
    [{ provider: "jsonl", config: { filePath: "x", gzp: true } }, /gzp.*gzip/],
    [{ provider: "jsonl", config: { filePath: join(folder, "all.jsonl") } }, /all\.jsonl.*configured/],
    [{ ...NOWHERE, config: { ...NOWHERE.config, url: "nonsense" } }, /url/],
    [{ ...NOWHERE, config: { ...NOWHERE.config, url: `${daemon.url}/v1/runs` } }, /url|itself|daemon/],
    [{ ...NOWHERE, config: { ...NOWHERE.config, secret: { env: "NOT_THERE" } } }, /NOT_THERE.*not set/],
    [{ provider: "console", filter: { where: "data.exitCode ! 0" } }, /where/],
    [{ provider: "console", filter: { types: ["exec.complete"] } }, /exec\.completed/],
    [{ provider: "console", startAt: "yesterday" }, /startAt/],
  ];
  for (const [spec, message] of mistakes) {
    const { status, json } = await call("POST /v1/exporters", spec);
    assert.deepEqual([status, json.error.code], [400, "INVALID_REQUEST"], JSON.stringify(json));
    assert.match(json.error.message, message);
  }
  assert.equal((await call("GET /v1/exporters")).json.items.length, 1);
});

test("an exporter of the API is there again after a restart, its secret for one user to read and never shown", async () => {
  const dataDir = join(folder, "kept");
  const env = { ...IN_A_HURRY, HOOK_SECRET: SECRET };
  const first = await startDaemon({ dataDir, args: ["--pool", "python=0"], env });
  const byName = { ...NOWHERE, id: "by-name", config: { ...NOWHERE.config, secret: { env: "HOOK_SECRET" } } };
  const answers = [
    await call("POST /v1/exporters", { ...NOWHERE, id: "inline" }, first),
    await call("POST /v1/exporters", byName, first),
    await call("POST /v1/exporters/inline/retry", undefined, first),
    await call("GET /v1/exporters", undefined, first),
    await call("GET /v1/doctor", undefined, first),
  ];
  await until("a delivery was tried", async () => {
    const { json } = await call("GET /v1/exporters/inline", undefined, first);
    return json.lastError !== undefined;
  });
  answers.push(await call("GET /v1/exporters/inline", undefined, first));
  answers.push(await call("GET /v1/events", undefined, first), await call("GET /metrics", undefined, first));
  for (const { text } of answers) assert.ok(!text.includes(SECRET) && !text.includes(SECRET.slice(6)), text);
  await first.kill();

  const file = join(dataDir, "exporters.json");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const text = await readFile(file, "utf8");
  assert.equal(text.split(SECRET).length - 1, 1, "the one that was given by name is kept by name");
  // The variable is gone: that exporter waits for it, the other goes on.
  const second = await startDaemon({ dataDir, args: ["--pool", "python=0"], env: IN_A_HURRY });
  const { items } = (await call("GET /v1/exporters", undefined, second)).json;
  const states = Object.fromEntries(items.map(({ id, state }: { id: string; state: string }) => [id, state]));
  assert.deepEqual(states, { inline: "running", "by-name": "disabled" });
  const broken = (await call("GET /v1/exporters/by-name", undefined, second)).json;
  assert.match(broken.lastError.message, /HOOK_SECRET/);
  assert.match(second.logs(), /by-name could not be started/);
  const repaired = await call("PUT /v1/exporters/by-name", { ...byName, config: NOWHERE.config }, second);
  assert.deepEqual([repaired.status, repaired.json.state], [200, "running"]);
  assert.equal((await call("DELETE /v1/exporters/by-name?forget=true", undefined, second)).status, 204);
  for (const { logs } of [first, second]) assert.ok(!logs().includes(SECRET));
  await second.stop();

  await using third = await startDaemon({ dataDir, args: ["--pool", "python=0"], env: IN_A_HURRY });
  const left = (await call("GET /v1/exporters", undefined, third)).json.items;
  assert.deepEqual(
    left.map(({ id }: { id: string }) => id),
    ["inline"],
  );
});

test("what exporters do is in the metrics, without where they send to", async () => {
  await call("POST /v1/exporters", { ...NOWHERE, id: "dead" });
  await until("a delivery was tried", async () => {
    const { json } = await call("GET /v1/exporters/dead");
    return json.failedAttempts > 0;
  });
  const { text } = await call("GET /metrics");
  const labels = '{exporter="dead",provider="webhook"}';
  const figure = (name: string) =>
    Number(new RegExp(`^sandglass_exporter_${name} (.+)$`, "m").exec(text.replaceAll(labels, ""))?.[1]);
  const [accepted, lag] = [figure("accepted_total"), figure("lag_events")];
  assert.ok(accepted > 0 && lag > 0 && figure("failed_attempts_total") > 0);
  assert.equal(accepted, figure("delivered_total") + figure("filtered_total") + lag);
  assert.equal(lag, figure("queued") + figure("in_flight"));
  assert.ok(figure("lag_seconds") >= 0);
  for (const name of ["stalled", "disabled", "filter_errors_total"]) assert.equal(figure(name), 0, name);
  for (const reason of ["rejected", "retention", "corrupt"]) {
    const sample = `sandglass_exporter_dropped_total{exporter="dead",provider="webhook",reason="${reason}"} 0\n`;
    assert.ok(text.includes(sample), reason);
  }
  assert.ok(!text.includes("127.0.0.1:9") && !text.includes(SECRET));
  const { json } = await call("POST /v1/exporters/flush", { ids: ["dead"], timeoutMs: 0 });
  assert.ok(json.pending > 0);
  await call("DELETE /v1/exporters/dead");
});

test("the same request under one idempotency key adds one exporter", async () => {
  const twice = { json: { ...NOWHERE, id: "once" }, headers: { "idempotency-key": "k1" } };
  const answers = [
    await callHttp(daemon, "POST /v1/exporters", twice),
    await callHttp(daemon, "POST /v1/exporters", twice),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201],
  );
  await call("DELETE /v1/exporters/once");
});
