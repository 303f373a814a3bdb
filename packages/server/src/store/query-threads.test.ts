import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@sandglass/testkit";
import { openDatabase } from "./open-database.ts";
import { QueryThreads } from "./query-threads.ts";

/** Runs without end: a query that reads them through never comes back. */
const ENDLESS = `
  DROP TABLE runs;
  CREATE VIEW runs AS
    WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n)
    SELECT key, key - key + 1 AS org, 'run_' || key AS id, 'run ' || key AS name, key AS started_at FROM n;
  INSERT INTO orgs (key, id) VALUES (1, 'default') ON CONFLICT DO NOTHING;
`;
const NEVER = { orgId: "default", limit: 1, name: "nothing" };

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "sandglass-queries-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function makeEndless(path: string): void {
  const database = openDatabase(path, () => {});
  database.exec(ENDLESS);
  database.close();
}

test("a query that runs is ended in the middle when its caller goes, and others are answered", async (t) => {
  const path = join(folder(t), "store.db");
  makeEndless(path);
  const queries = new QueryThreads(path);
  const gone = new AbortController();
  const begun = process.cpuUsage();
  const endless = [1, 2].map(() => queries.ask("listRuns", NEVER, gone.signal));
  const ended = Promise.allSettled(endless);
  const next = queries.ask("listTraces", { orgId: "default", limit: 1 });
  await until("they run", () => process.cpuUsage(begun).user > 500_000);
  gone.abort(new Error("gone"));
  for (const result of await ended) {
    assert.equal(result.status === "rejected" && result.reason.message, "gone");
  }
  // Both threads were taken: it is answered because they were ended.
  assert.deepEqual(await next, { items: [] });
  await queries.close();
});
