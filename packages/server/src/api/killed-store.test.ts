import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const REQUESTS = 40;
const SPANS_OF_REQUEST = 250;
const SPANS = REQUESTS * SPANS_OF_REQUEST;
const TRACE = "ab".repeat(16);
const KEY = "key_0123456789abcdef";

/** Spans of one trace, so that it is a row that every batch changes. */
function requestBody(request: number): string {
  const start = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: SPANS_OF_REQUEST }, (_, index) => ({
    traceId: TRACE,
    spanId: (request * SPANS_OF_REQUEST + index + 1).toString(16).padStart(16, "0"),
    name: "step",
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 1_000_000n),
    attributes: [{ key: "request", value: { intValue: request } }],
  }));
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

/** What a list of traces says, which is counted as spans come. */
async function listed(daemon: TestDaemon): Promise<number> {
  const { json } = await callHttp(daemon, "GET /v1/traces?name=step");
  return json.items?.[0]?.spans ?? 0;
}

test("a store that is killed again and again while it is filled has every span once", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-killed-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const start = () => startDaemon({ dataDir, apiKeys: [KEY], args: ["--pool", "python=0"] });
  let daemon = await start();
  for (let sent = 0; sent < REQUESTS; sent += 20) {
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    for (let request = sent; request < sent + 20; request += 1) {
      const body = requestBody(request);
      const send = () => fetch(`${daemon.url}/otlp/v1/traces`, { method: "POST", headers, body });
      await until("it is taken", async () => (await send()).ok);
    }
    // They are in the log, and the store is somewhere among them.
    await daemon.kill();
    await daemon.stop();
    daemon = await start();
  }
  await until("the store has all of them", async () => (await listed(daemon)) >= SPANS);
  assert.equal(await listed(daemon), SPANS);
  const { json } = await callHttp(daemon, "GET /v1/metrics");
  const durations = json.items.find(({ name }: { name: string }) => name === "sandglass.span.duration");
  assert.ok(durations.points >= SPANS);
  for (const request of [0, REQUESTS - 1]) {
    const found = await callHttp(daemon, `GET /v1/traces?attribute=request%3D${request}`);
    assert.deepEqual(
      found.json.items.map(({ traceId }: { traceId: string }) => traceId),
      [TRACE],
    );
  }
  await daemon.stop();
  const database = new DatabaseSync(join(dataDir, "store", "store.db"), { readOnly: true });
  t.after(() => database.close());
  const spans = "SELECT count(*) AS count FROM spans WHERE trace = (SELECT key FROM traces WHERE trace = ?)";
  const { count } = database.prepare(spans).get(TRACE) as { count: number };
  assert.equal(count, SPANS);
  assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
});
