import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { callHttp, startDaemon, until } from "@sandglass/testkit";

/** Log records without end: a query that reads them through never comes back. */
const ENDLESS = `
  DROP TABLE logs;
  CREATE VIEW logs AS
    WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n)
    SELECT key, key - key + 1 AS org, key AS time, 9 AS severity, 'line ' || key AS body, '' AS trace, '' AS span, 0 AS origin,
      NULL AS sandbox, NULL AS run, '' AS service, NULL AS name, NULL AS resource, NULL AS scope, '{}' AS attributes
    FROM n;
`;

/** Clock ticks that a process has used, in user mode. */
function userTicks(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[11]);
}

test("a query whose client goes is ended in the middle, and its thread answers others", async () => {
  await using daemon = await startDaemon({ args: ["--pool", "python=0"] });
  assert.equal((await callHttp(daemon, "GET /v1/logs")).status, 200);
  const database = new DatabaseSync(join(daemon.dataDir, "store", "store.db"));
  database.exec(`PRAGMA busy_timeout = 5000; ${ENDLESS}`);
  database.close();

  // As many as there are threads.
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${daemon.apiKey}` };
  const begun = userTicks(daemon.pid);
  const endless = [1, 2].map(() =>
    fetch(`${daemon.url}/v1/logs?text=nothing`, { headers, signal: gone.signal }),
  );
  const ended = Promise.allSettled(endless);
  await until("both run", async () => userTicks(daemon.pid) - begun > 100);
  const next = callHttp(daemon, "GET /v1/traces");
  let isAnswered = false;
  void next.then(() => {
    isAnswered = true;
  });
  // What needs no store is answered while they run.
  assert.equal((await callHttp(daemon, "GET /v1/sandboxes")).status, 200);
  assert.equal(isAnswered, false, "there was another thread");
  const abandonedMs = performance.now();
  gone.abort();
  for (const { status } of await ended) assert.equal(status, "rejected");
  assert.equal((await next).status, 200);
  // Left alone they have thirty seconds, and it would have waited for that.
  assert.ok(performance.now() - abandonedMs < 20_000, "they were not ended");
  assert.equal((await callHttp(daemon, "GET /v1/traces")).status, 200);
});
