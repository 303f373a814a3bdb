import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { loggedStatements, type PostgresServer, startPostgres } from "@sandglass/testkit";
import { Client } from "pg";
import { testBatch, testEvent, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, send } from "./testing/open-exporter.ts";

const OK = { status: "ok" };

describe("partitions by day", () => {
  let server: PostgresServer;
  before(async () => {
    // Days are those of UTC, whatever the server's own are.
    server = await startPostgres({ settings: { timezone: "Pacific/Auckland", datestyle: "SQL, DMY" } });
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (t: TestContext, table: string) =>
    openExporter(t, { connectionString: server.connectionString, table, partitionByDay: true });
  const partitions = async (table: string) => {
    const rows = await server.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1",
      [table],
    );
    return rows.map(({ name }) => name);
  };
  const counts = async (table: string) => {
    const rows = await server.query<{ name: string; n: string }>(
      `SELECT tableoid::regclass::text AS name, count(*) AS n FROM "${table}" GROUP BY 1 ORDER BY 1`,
    );
    return Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]));
  };
  const firstWords = async (work: () => Promise<unknown>) =>
    (await loggedStatements(server, work)).map(({ text }) => text.trim().split(/\W/)[0]);
  const at = (...timestamps: string[]): RuntimeEvent[] =>
    timestamps.map((timestamp, index) => testEvent(index + 1, { timestamp }));

  test("each day's events are in its partition, and a late one finds its own", async (t) => {
    const exporter = await open(t, "days");
    const first = testBatch(
      at(
        "2026-04-18T00:00:00.000000Z",
        "2026-04-18T23:59:59.999999Z",
        "2026-04-19T00:00:00Z",
        "2026-04-20T12:00:00Z",
      ),
    );
    assert.deepEqual(await send(exporter, first), OK);
    assert.deepEqual(await send(exporter, testBatch(at("2026-04-19T08:00:00Z", "2025-12-31T23:59:59Z"))), OK);
    // Again: it is still there once.
    assert.deepEqual(await send(exporter, first), OK);
    assert.deepEqual(await counts("days"), {
      days_20251231: 1,
      days_20260418: 2,
      days_20260419: 2,
      days_20260420: 1,
    });
    assert.deepEqual(await partitions("days"), [
      "days_20251231",
      "days_20260418",
      "days_20260419",
      "days_20260420",
    ]);
    const indexes = await server.query("SELECT 1 FROM pg_index WHERE indrelid = 'days_20260418'::regclass");
    assert.equal(indexes.length, 6);
  });

  test("a batch is one statement, but for the first of a new day", async (t) => {
    const exporter = await open(t, "statements");
    await send(exporter, testBatch(at("2026-04-18T10:00:00Z")));
    const sent = await firstWords(async () => {
      await send(exporter, testBatch(at("2026-04-18T11:00:00Z", "2026-04-18T12:00:00Z")));
      await send(exporter, testBatch(at("2026-04-18T13:00:00Z")));
    });
    assert.deepEqual(sent, ["INSERT", "INSERT"]);
    const newDay = await firstWords(() => send(exporter, testBatch(at("2026-04-19T01:00:00Z"))));
    assert.deepEqual([newDay.at(0), newDay.at(-1)], ["INSERT", "INSERT"]);
    assert.ok(newDay.includes("CREATE"));
  });

  test("a new day that many connections see at once gets one partition", async (t) => {
    const exporters = await Promise.all(Array.from({ length: 6 }, () => open(t, "rush")));
    const results = await Promise.all(
      exporters.map((each) => send(each, testBatch(at("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z")))),
    );
    assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(["ok"]));
    assert.deepEqual(await counts("rush"), { rush_20260501: 6, rush_20260502: 6 });
  });

  test("a dropped partition takes its day along, and comes back for an event of it", async (t) => {
    const exporter = await open(t, "dropped");
    await send(exporter, testBatch(at("2026-04-18T10:00:00Z", "2026-04-19T10:00:00Z")));
    await server.query("DROP TABLE dropped_20260418");
    assert.deepEqual(await counts("dropped"), { dropped_20260419: 1 });
    assert.deepEqual(await send(exporter, testBatch(at("2026-04-18T11:00:00Z"))), OK);
    assert.deepEqual(await counts("dropped"), { dropped_20260418: 1, dropped_20260419: 1 });
  });

  test("reading and writing go on while a partition is made", async (t) => {
    const exporter = await open(t, "busy");
    await send(exporter, testBatch(at("2026-04-18T10:00:00Z")));
    const reader = new Client(server.connectionString);
    await reader.connect();
    await reader.query("BEGIN; SELECT count(*) FROM busy");
    assert.deepEqual(await send(exporter, testBatch(at("2026-04-19T10:00:00Z"))), OK);
    await reader.query("COMMIT");
    await reader.end();
  });

  test("a detached partition in the way keeps its events back, with its name", async (t) => {
    const exporter = await open(t, "archived");
    await send(exporter, testBatch(at("2026-04-18T10:00:00Z")));
    await server.query("ALTER TABLE archived DETACH PARTITION archived_20260418");
    const late = testBatch(at("2026-04-18T11:00:00Z"));
    const result = await send(exporter, late);
    assert.match(JSON.stringify(result), /"retry".*archived_20260418.* already exists/);
    await server.query("ALTER TABLE archived_20260418 RENAME TO kept_elsewhere");
    assert.deepEqual(await send(exporter, late), OK);
  });

  test("an event without a readable time fails its batch, also where a day is new", async (t) => {
    const exporter = await open(t, "unreadable");
    for (const [timestamp, code] of [
      ["soon", /SQLSTATE 22007/],
      ["infinity", /SQLSTATE 23514/],
      ["0044-03-15T00:00:00Z BC", /SQLSTATE 23514/],
    ] as const) {
      const result = await send(exporter, testBatch(at("2026-04-18T10:00:00Z", timestamp)));
      assert.equal(result.status, "fail", timestamp);
      assert.match(JSON.stringify(result), code);
    }
    assert.deepEqual(await send(exporter, testBatch(at("2026-04-18T10:00:00Z"))), OK);
  });

  test("a table that is plain, or partitioned in another way, is refused with what to do", async (t) => {
    const plain = await openExporter(t, { connectionString: server.connectionString, table: "plain" });
    await send(plain, testBatch(testEvents(1)));
    const result = await send(await open(t, "plain"), testBatch(testEvents(1)));
    assert.match(JSON.stringify(result), /"retry".*is not partitioned, and partitionByDay is on: rename it/);
    await server.query(
      `CREATE TABLE by_type (id TEXT, timestamp TIMESTAMPTZ NOT NULL, type TEXT NOT NULL, sandbox_id TEXT, run_id TEXT, data JSONB)
       PARTITION BY LIST (type)`,
    );
    const other = await send(await open(t, "by_type"), testBatch(testEvents(1)));
    assert.match(JSON.stringify(other), /"retry".*is partitioned by LIST \(type\), and not by RANGE/);
  });
});
