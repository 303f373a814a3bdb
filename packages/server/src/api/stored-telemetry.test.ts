import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const KEYS = ["first_0123456789abcdef", "second_0123456789abcdef@another"];
const OTHER = "second_0123456789abcdef";
/** Sends a span below the exec's, one that says it is the trace's root, and a log record; all from inside. */
const SENDER = `
import json, os, time, urllib.request
_, trace, parent, _ = os.environ["TRACEPARENT"].split("-")
now = time.time_ns()
def send(signal, body):
    request = urllib.request.Request(f"http://127.0.0.1:4318/v1/{signal}", json.dumps(body).encode(), {"content-type": "application/json"})
    assert urllib.request.urlopen(request).status == 200
def span(id, parent, name, start):
    return {"traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": 3, "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 5_000_000), "status": {"code": 2, "message": "no rows"},
        "attributes": [{"key": "db.rows", "value": {"intValue": "42"}}, {"key": "big", "value": {"intValue": "9223372036854775807"}},
            {"key": "ok", "value": {"boolValue": True}}, {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}}],
        "events": [{"timeUnixNano": str(start), "name": "retry", "attributes": []}],
        "links": [{"traceId": "ab" * 16, "spanId": "cd" * 8}]}
resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "report"}}]}
spans = [span("11" * 8, parent, "query", now), span("22" * 8, "", "I am the root", 1_000_000_000), span("33" * 8, parent, "tomorrow", now + 86_400_000_000_000)]
send("traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "db", "version": "2"}, "spans": spans}]}]})
record = {"timeUnixNano": str(now), "severityNumber": 17, "body": {"stringValue": "Disk is on fire"}, "traceId": trace, "spanId": parent}
send("logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]})
`;
let home: string;
let daemon: TestDaemon;
let traceId: string;
let sandboxId: string;

const start = (): Promise<TestDaemon> =>
  startDaemon({ dataDir: join(home, "data"), apiKeys: KEYS, args: ["--pool", "python=0"] });
const get = async (path: string, apiKey?: string) =>
  (await callHttp(daemon, `GET ${path}`, apiKey === undefined ? {} : { apiKey })).json;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "sandglass-stored-"));
  daemon = await start();
  const created = await callHttp(daemon, "POST /v1/sandboxes");
  traceId = created.json.traceId;
  sandboxId = created.json.id;
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const json = { argv: ["python3", "-c", SENDER] };
  const stream = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json, headers });
  assert.equal(jsonLines(stream.text).at(-1).code, 0, stream.text);
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandboxId}`, { headers });
  await until(
    "the log record is stored",
    async () => (await get(`/v1/logs?traceId=${traceId}`)).items.length === 1,
  );
});
after(async () => {
  await daemon?.stop();
  await rm(home, { recursive: true });
});

test("a trace holds the spans from inside below the host's own, with everything they said", async () => {
  const { spans } = await get(`/v1/traces/${traceId}`);
  // biome-ignore lint/suspicious/noExplicitAny: the test looks into answers of every shape
  const named = (name: string) => spans.find((span: any) => span.name === name);
  const query = named("query");
  assert.equal(query.parentSpanId, named("sandbox.execute").spanId);
  assert.deepEqual(
    [query.kind, query.status, query.message, query.origin, query.service, query.sandboxId, query.durationMs],
    ["CLIENT", "error", "no rows", "sandbox", "report", sandboxId, 5],
  );
  assert.deepEqual(query.attributes, { "db.rows": 42, big: "9223372036854775807", ok: true, list: ["a"] });
  assert.deepEqual(query.scope, { name: "db", version: "2" });
  assert.equal(query.events[0].name, "retry");
  assert.deepEqual(query.links, [{ traceId: "ab".repeat(16), spanId: "cd".repeat(8), attributes: {} }]);
  assert.equal(named("sandbox.execute").origin, undefined);
  assert.ok(Date.parse(named("tomorrow").startTime) < Date.now() + 3_600_000, "a clock ahead was believed");
});

test("the list names a trace by what the host tells, and finds it by its attributes, errors, sandbox and time", async () => {
  const found = async (query: string) =>
    (await get(`/v1/traces?${query}`)).items.map((trace: { traceId: string }) => trace.traceId);
  const [listed] = (await get(`/v1/traces?sandboxId=${sandboxId}`)).items;
  assert.deepEqual([listed.traceId, listed.name, listed.service], [traceId, "http_request", "sandglass"]);
  assert.match(listed.subject, /^python3 -c ' import json, os, time, urllib\.request _, trace, /);
  assert.ok(listed.errors >= 3 && listed.spans >= 6, JSON.stringify(listed));
  for (const query of [
    "attribute=db.rows%3D42",
    "attribute=ok%3Dtrue",
    `error=true&sandboxId=${sandboxId}`,
    `minDurationMs=1&sandboxId=${sandboxId}`,
    `name=HTTP_&sandboxId=${sandboxId}`,
  ]) {
    assert.deepEqual(await found(query), [traceId], query);
  }
  for (const query of [
    "attribute=db.rows%3D43",
    "service=report",
    `error=false&sandboxId=${sandboxId}`,
    "since=2999-01-01T00:00:00Z",
    `until=1999-01-01T00:00:00Z&sandboxId=${sandboxId}`,
  ]) {
    assert.deepEqual(await found(query), [], query);
  }
});

test("log records are found by text, severity, trace and sandbox", async () => {
  const [entry] = (await get("/v1/logs?text=ON+FIRE&minSeverity=17")).items;
  assert.deepEqual(
    [entry.body, entry.severity, entry.traceId, entry.sandboxId, entry.origin, entry.service],
    ["Disk is on fire", 17, traceId, sandboxId, "sandbox", "report"],
  );
  assert.deepEqual((await get("/v1/logs?minSeverity=18")).items, []);
  assert.equal((await get(`/v1/logs?sandboxId=${sandboxId}`)).items.length, 1);
});

test("another organisation finds nothing of it", async () => {
  assert.deepEqual((await get(`/v1/traces?sandboxId=${sandboxId}`, OTHER)).items, []);
  assert.deepEqual((await get("/v1/traces?attribute=db.rows%3D42", OTHER)).items, []);
  assert.deepEqual((await get("/v1/logs", OTHER)).items, []);
  assert.equal((await get(`/v1/traces/${traceId}`, OTHER)).error.code, "TRACE_NOT_FOUND");
});

test("a store that was deleted knows all of it again after a restart", async () => {
  const before = await get(`/v1/traces/${traceId}`);
  await daemon.stop();
  await rm(join(home, "data", "store"), { recursive: true });
  daemon = await start();
  await until(
    "the log record is stored",
    async () => (await get(`/v1/logs?traceId=${traceId}`)).items.length === 1,
  );
  assert.deepEqual(await get(`/v1/traces/${traceId}`), before);
});
