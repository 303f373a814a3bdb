import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDatabase, openForReading } from "./open-database.ts";
import { getTrace } from "./queries/get-trace.ts";
import { listLogs } from "./queries/list-logs.ts";
import { listTraces } from "./queries/list-traces.ts";
import { queryMetric } from "./queries/metrics/query-metric.ts";
import { searchEvents } from "./queries/search-events.ts";
import { MIGRATIONS } from "./schema.ts";
import { Statements } from "./statements.ts";
import { DAY, fillOldStore, LET_GO, SANDBOX, TRACES } from "./testing/old-store.ts";

const orgId = "default";

/** A store as a release with so many steps left it, opened by this one. */
function upgraded(t: TestContext, version: number): Statements {
  const dir = mkdtempSync(join(tmpdir(), "sandglass-migration-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "store.db");
  fillOldStore(path, version);
  const resets: string[] = [];
  const database = openDatabase(path, (reason) => resets.push(reason));
  assert.deepEqual(resets, [], "it was begun anew");
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: MIGRATIONS.length });
  database.close();
  const reading = openForReading(path);
  t.after(() => reading.close());
  return new Statements(reading);
}

for (const version of [1, 2, 3, 4, 6, 7]) {
  test(`what a store of version ${version} has is there after an upgrade, and is found in ways that are newer`, (t) => {
    const statements = upgraded(t, version);
    const found = (query: object) =>
      listTraces(statements, { orgId, limit: 10, ...query }).items.map(({ traceId }) => traceId);
    const [first = "", second = ""] = TRACES;
    assert.deepEqual(found({}), [second, first]);
    assert.deepEqual(found({ attribute: ["order.id=order-1"] }), [first]);
    assert.deepEqual(found({ attribute: ["db.rows=42", "order.id=order-2"] }), [second]);
    assert.deepEqual(found({ sandboxId: SANDBOX }), [second]);
    const names = getTrace(statements, { orgId, traceId: first })?.spans.map(({ name }) => name);
    assert.deepEqual(names, ["invoke_agent analyst", "query"]);

    assert.equal(getTrace(statements, { orgId, traceId: LET_GO }), undefined);

    const logs = listLogs(statements, { orgId, limit: 10, search: "fire" });
    assert.deepEqual(
      logs.items.map(({ body }) => body),
      ["Disk is on fire"],
    );
    const events = { orgId, search: "analyst", after: 0, limit: 10, isLast: false };
    assert.deepEqual(
      searchEvents(statements, events).map(({ position }) => position),
      [1],
    );
    if (version === 1) return; // it knew no metrics
    const day = { since: new Date(DAY).toISOString(), until: new Date(DAY + 86_400_000).toISOString() };
    const asked = {
      orgId,
      name: "sandglass.span.duration",
      ...day,
      limit: 10,
      aggregation: "count",
    } as const;
    const totals = [60_000, 900_000, 86_400_000].map((stepMs) =>
      queryMetric(statements, { ...asked, stepMs }).series[0]?.points.reduce(
        (sum, [, count]) => sum + count,
        0,
      ),
    );
    assert.deepEqual(totals, [6, 6, 6]);
  });
}
