import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { type PostgresServer, startPostgres } from "@sandglass/testkit";
import { testBatch, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, prepare, send } from "./testing/open-exporter.ts";

const OLDER =
  "(id TEXT PRIMARY KEY, timestamp TIMESTAMPTZ NOT NULL, type TEXT NOT NULL, sandbox_id TEXT, run_id TEXT, " +
  "data JSONB, created_at TIMESTAMPTZ DEFAULT now())";

describe("the table", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (t: TestContext, config: Record<string, unknown>) =>
    openExporter(t, { connectionString: server.connectionString, ...config });
  const count = async (table: string) => {
    const [row] = await server.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
    return Number(row?.n);
  };
  const columns = async (table: string) => {
    const rows = await server.query<{ column: string }>(
      `SELECT attname || ' ' || format_type(atttypid, NULL) || CASE WHEN attnotnull THEN ' not null' ELSE '' END AS column
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attname`,
      [table],
    );
    return rows.map((row) => row.column);
  };
  const indexes = async (table: string) => {
    const rows = await server.query<{ def: string }>(
      "SELECT pg_get_indexdef(indexrelid) AS def FROM pg_index WHERE indrelid = $1::regclass ORDER BY 1",
      [table],
    );
    return rows.map(({ def }) => def.replace(/^.*USING btree /, "")).sort();
  };

  test("is made with its columns and indexes, and events are in it", async (t) => {
    const exporter = await open(t, {});
    assert.deepEqual(await send(exporter, testBatch(testEvents(3))), { status: "ok" });
    assert.equal(await count("sandglass_events"), 3);
    assert.deepEqual(await columns("sandglass_events"), [
      "created_at timestamp with time zone",
      "data jsonb",
      "id text not null",
      "level text",
      "org_id text",
      "parent_span_id text",
      "run_id text",
      "sandbox_id text",
      "seq bigint",
      "span_id text",
      "timestamp timestamp with time zone not null",
      "trace_id text",
      "type text not null",
    ]);
    assert.deepEqual(await indexes("sandglass_events"), [
      '("timestamp" DESC)',
      "(id)",
      "(run_id)",
      "(sandbox_id)",
      "(trace_id)",
      "(type)",
    ]);
  });

  test("of an older release gets its new columns and indexes, and keeps its rows", async (t) => {
    await server.query(`CREATE TABLE older ${OLDER}`);
    await server.query("CREATE INDEX my_own ON older (type)");
    await server.query("INSERT INTO older VALUES ('evt_old', now(), 'exec.started', 'sbx_1', NULL, '{}')");
    const exporter = await open(t, { table: "older" });
    assert.deepEqual(await send(exporter, testBatch(testEvents(2))), { status: "ok" });
    assert.equal(await count("older"), 3);
    assert.equal((await columns("older")).length, 13);
    assert.deepEqual(await indexes("older"), [
      '("timestamp" DESC)',
      "(id)",
      "(run_id)",
      "(sandbox_id)",
      "(trace_id)",
      "(type)",
    ]);
    assert.deepEqual(await server.query("SELECT seq FROM older WHERE id = 'evt_old'"), [{ seq: null }]);
  });

  test("may be made by many daemons at the same moment", async (t) => {
    const exporters = await Promise.all(Array.from({ length: 8 }, () => open(t, { table: "contended" })));
    const results = await Promise.all(exporters.map((each) => send(each, testBatch(testEvents(2)))));
    assert.deepEqual(new Set(results.map(({ status }) => status)), new Set(["ok"]));
    assert.equal(await count("contended"), 16);
    assert.equal((await indexes("contended")).length, 6);
  });

  for (const [schema, table] of [
    ["Größe", 'My "odd" Täble'],
    ["select", "order; DROP TABLE x; --"],
    ["a.b", "x".repeat(63)],
  ] as const) {
    test(`may be called ${table} in ${schema}`, async (t) => {
      const quoted = `"${schema}"."${table.replaceAll('"', '""')}"`;
      await server.query(`CREATE SCHEMA "${schema}"`);
      const exporter = await open(t, { schema, table });
      assert.deepEqual(await send(exporter, testBatch(testEvents(2))), { status: "ok" });
      assert.equal(await count(quoted), 2);
    });
  }

  test("that exists is used by someone who may only insert and select", async (t) => {
    const first = await open(t, { table: "granted" });
    await send(first, testBatch(testEvents(1)));
    await server.query("CREATE ROLE writer LOGIN; GRANT INSERT ON granted TO writer");
    const connectionString = server.connectionString.replace("postgres@", "writer@");
    const exporter = await open(t, { table: "granted", connectionString });
    const refused = await send(exporter, testBatch(testEvents(1)));
    assert.match(
      JSON.stringify(refused),
      /"retry".*permission denied for table granted \(SQLSTATE 42501\): grant/,
    );
    await server.query("GRANT SELECT ON granted TO writer");
    const again = testBatch(testEvents(1));
    assert.deepEqual(await send(exporter, again), { status: "ok" });
    assert.deepEqual(await send(exporter, again), { status: "ok" });
    assert.equal(await count("granted"), 2);
  });

  test("is not made or changed with createTable off, and the reason says what is missing", async (t) => {
    await server.query(`CREATE TABLE older_kept ${OLDER}`);
    for (const [table, reason] of [
      ["absent", /table "public"."absent" does not exist, and createTable is off/],
      ["older_kept", /has no column "seq", "level", "org_id", "trace_id", "span_id", "parent_span_id", and/],
    ] as const) {
      const exporter = await open(t, { table, createTable: false });
      const result = await send(exporter, testBatch(testEvents(1)));
      assert.equal(result.status, "retry");
      assert.match(JSON.stringify(result).replaceAll("\\", ""), reason);
    }
    assert.equal((await columns("older_kept")).length, 7);
  });

  const unusable: [name: string, sql: string, reason: RegExp][] = [
    [
      "a text for a time",
      OLDER.replace("TIMESTAMPTZ NOT", "TEXT NOT"),
      /column "timestamp" of type text, .* need timestamp with time zone/,
    ],
    ["a number for an id", OLDER.replace("id TEXT", "id BIGINT"), /column "id" of type bigint, .* need text/],
    [
      "text for data",
      OLDER.replace("JSONB", "TEXT"),
      /column "data" of type text, .* set useJsonColumn to false/,
    ],
    ["no data", OLDER.replace("data JSONB,", ""), /has no column "data": it is a table of another kind/],
    ["no key", OLDER.replace("PRIMARY KEY", ""), /has no primary key on \(id\)/],
    [
      "a demand of its own",
      OLDER.replace(/\)$/, ", tenant TEXT NOT NULL)"),
      /column "tenant" that must not be NULL/,
    ],
    [
      "partitions",
      `${OLDER.replace("PRIMARY KEY", "")} PARTITION BY RANGE (timestamp)`,
      /turn partitionByDay on/,
    ],
  ];
  for (const [index, [name, definition, reason]] of unusable.entries()) {
    test(`of another shape is refused with what is wrong: ${name}`, async (t) => {
      const table = `unusable_${index}`;
      await server.query(`CREATE TABLE ${table} ${definition}`);
      const exporter = await open(t, { table });
      const result = await send(exporter, testBatch(testEvents(1)));
      assert.equal(result.status, "retry");
      assert.match("reason" in result ? result.reason : "", reason);
      await assert.rejects(
        prepare({ connectionString: server.connectionString, table }).verify!(AbortSignal.timeout(20_000)),
        reason,
      );
    });
  }

  test("cannot be a view, nor in a database that is not in UTF8", async (t) => {
    await server.query(`CREATE TABLE base ${OLDER}; CREATE VIEW seen AS SELECT * FROM base`);
    const view = await send(await open(t, { table: "seen" }), testBatch(testEvents(1)));
    assert.match(JSON.stringify(view), /"retry".*is a view/);
    await server.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    const connectionString = server.connectionString.replace(/postgres$/, "latin");
    const latin = await send(await open(t, { connectionString }), testBatch(testEvents(1)));
    assert.match(JSON.stringify(latin), /"retry".*encoded in LATIN1: events need one in UTF8/);
  });
});
