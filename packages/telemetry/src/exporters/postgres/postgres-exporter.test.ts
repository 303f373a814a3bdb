import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { loggedStatements, type PostgresServer, startPostgres } from "@sandglass/testkit";
import type { ExportResult } from "../../delivery/exporter.ts";
import { rawBatch, testBatch, testEvent, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, send } from "./testing/open-exporter.ts";

const OK = { status: "ok" };
const reasonOf = (result: ExportResult): string => ("reason" in result ? result.reason : "");

describe("the exporter to postgres", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ password: "hunter2", hasTls: true });
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (t: TestContext, config: Record<string, unknown>) =>
    openExporter(t, { connectionString: server.connectionString, ...config });

  test("puts every field of an event into its column, times to the microsecond", async (t) => {
    const exporter = await open(t, { table: "fields" });
    const event = testEvent(7, {
      timestamp: "2026-04-18T23:59:59.999999Z",
      runId: "run_1",
      parentSpanId: "00f067aa0ba902b7",
      orgId: 'größe "x"',
      data: { execId: "exec_ä😀\n", timeoutMs: 1.5, deep: [{ a: null }, "\u001b[31m"] },
    } as Partial<RuntimeEvent>);
    const host = testEvent(8, { sandboxId: "" });
    assert.deepEqual(await send(exporter, testBatch([event, host])), OK);
    const rows = await server.query(
      `SELECT id, seq, to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp, type, level,
         org_id, sandbox_id, run_id, trace_id, span_id, parent_span_id, data, created_at IS NOT NULL AS dated
       FROM fields ORDER BY seq`,
    );
    const row = (from: RuntimeEvent) => ({
      id: from.id,
      seq: String(from.seq),
      timestamp: from.timestamp,
      type: from.type,
      level: from.level,
      org_id: from.orgId,
      sandbox_id: from.sandboxId || null,
      run_id: from.runId || null,
      trace_id: from.traceId,
      span_id: from.spanId,
      parent_span_id: from.parentSpanId || null,
      data: from.data,
      dated: true,
    });
    assert.deepEqual(rows, [row(event), row(host)]);
  });

  test("without useJsonColumn the data is the JSON of the log as text", async (t) => {
    const exporter = await open(t, { table: "as_text", useJsonColumn: false });
    const data = { execId: "a\0b\ud83d", timeoutMs: 1 };
    const event = testEvent(1, { data } as Partial<RuntimeEvent>);
    assert.deepEqual(await send(exporter, testBatch([event, testEvent(2)])), OK);
    const [row] = await server.query("SELECT data, pg_typeof(data)::text AS type FROM as_text WHERE seq = 1");
    assert.deepEqual(row, { data: JSON.stringify(data), type: "text" });
  });

  test("an event with what JSONB cannot hold is kept with a replacement for it", async (t) => {
    const exporter = await open(t, { table: "unholdable" });
    const data = { execId: "a\0b\ud83dc", timeoutMs: 1, path: "C:\\u0000" };
    const events = [1, 2].map((seq) => testEvent(seq, { data, orgId: "a\0b" } as Partial<RuntimeEvent>));
    assert.deepEqual(await send(exporter, testBatch(events)), OK);
    const expected = { org_id: "a\ufffdb", data: { ...data, execId: "a\ufffdb\ufffdc" } };
    assert.deepEqual(await server.query("SELECT org_id, data FROM unholdable"), [expected, expected]);
  });

  test("an event that comes again, in its batch or a later one, is there once and counts as delivered", async (t) => {
    const exporter = await open(t, { table: "twice" });
    const [first, second, third] = testEvents(3);
    assert.deepEqual(await send(exporter, testBatch([first!, second!, first!])), OK);
    assert.deepEqual(await send(exporter, testBatch([second!, third!])), OK);
    assert.deepEqual(await send(exporter, testBatch([third!])), OK);
    assert.deepEqual(await server.query("SELECT seq FROM twice ORDER BY seq"), [
      { seq: "1" },
      { seq: "2" },
      { seq: "3" },
    ]);
  });

  test("a batch is one statement, prepared once for a connection", async (t) => {
    const exporter = await open(t, { table: "statements" });
    await send(exporter, testBatch(testEvents(1)));
    const statements = await loggedStatements(server, async () => {
      for (let i = 0; i < 3; i++) await send(exporter, testBatch(testEvents(100)));
    });
    assert.deepEqual(
      statements.map(({ name, text }) => `${name}: ${text.split(" (")[0]}`),
      Array(3).fill('sandglass_insert: INSERT INTO "public"."statements"'),
    );
  });

  test("an event that the database does not want fails its batch, and the connection goes on", async (t) => {
    const exporter = await open(t, { table: "poisoned" });
    await send(exporter, testBatch(testEvents(1)));
    const sessions =
      "SELECT pid FROM pg_stat_activity WHERE query LIKE '%\"poisoned\"%' AND pid <> pg_backend_pid()";
    const before = await server.query(sessions);
    const poison = testEvent(2, { timestamp: "soon" });
    const batch = testBatch([testEvent(1), poison, testEvent(3)]);
    const result = await send(exporter, batch);
    assert.equal(result.status, "fail");
    assert.match(
      reasonOf(result),
      /invalid input syntax for type timestamp with time zone: "soon" \(SQLSTATE 22007\)/,
    );
    assert.equal((await send(exporter, testBatch([poison]))).status, "fail");
    assert.deepEqual(await send(exporter, testBatch([testEvent(1), testEvent(3)])), OK);
    assert.deepEqual(await server.query(sessions), before);
  });

  test("a check or a trigger of the user's own fails what it refuses", async (t) => {
    const exporter = await open(t, { table: "checked" });
    await send(exporter, testBatch(testEvents(1)));
    await server.query("ALTER TABLE checked ADD CONSTRAINT no_nines CHECK (seq <> 9)");
    const result = await send(exporter, testBatch([testEvent(9)]));
    assert.equal(result.status, "fail");
    assert.match(reasonOf(result), /violates check constraint "no_nines"/);
    assert.ok(!reasonOf(result).includes("exec_"), "the row's contents are not in the reason");
  });

  test("what is no event is rejected, and the rest is delivered", async (t) => {
    const exporter = await open(t, { table: "mixed" });
    const result = await send(exporter, rawBatch([JSON.stringify(testEvent(1)), "nonsense"]));
    assert.deepEqual(result, { ...OK, rejected: [{ index: 1, reason: "it is no event" }] });
    assert.equal((await send(exporter, rawBatch(["nonsense"]))).status, "ok");
    assert.equal((await server.query("SELECT id FROM mixed")).length, 1);
  });
});
