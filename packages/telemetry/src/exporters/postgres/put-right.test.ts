import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { type PostgresServer, startPostgres, until } from "@sandglass/testkit";
import type { ExportResult } from "../../delivery/exporter.ts";
import { testBatch, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, prepare, send } from "./testing/open-exporter.ts";

const OK = { status: "ok" };
const reasonOf = (result: ExportResult): string => ("reason" in result ? result.reason : "");

describe("what a person has to put right", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ password: "hunter2", hasTls: true });
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (t: TestContext, config: Record<string, unknown>) =>
    openExporter(t, { connectionString: server.connectionString, ...config });

  test("a wrong password, user or database, and an absent schema, are retried with what to put right", async (t) => {
    const url = server.connectionString;
    const cases: [config: Record<string, unknown>, reason: RegExp][] = [
      [
        { connectionString: url.replace("hunter2", "wr0ng-one") },
        /password authentication failed .*28P01\): correct the user or the password/,
      ],
      [{ connectionString: url.replace("postgres:hunter2", "nobody:hunter2") }, /"nobody".*28P01/],
      [{ connectionString: url.replace(":hunter2", "") }, /password/],
      [
        { connectionString: url.replace(/postgres$/, "nowhere") },
        /database "nowhere" does not exist .*3D000\): create the database/,
      ],
      [{ schema: "absent" }, /schema "absent" does not exist .*3F000\): create the schema/],
      [{ connectionString: "postgres://u:hunter2@localhost:1/d" }, /ECONNREFUSED .*:1\b/],
      [
        { connectionString: "postgres://u:hunter2@host.invalid/d" },
        /ENOTFOUND host.invalid|EAI_AGAIN host.invalid/,
      ],
    ];
    for (const [config, reason] of cases) {
      const result = await send(await open(t, config), testBatch(testEvents(1)));
      assert.equal(result.status, "retry");
      assert.match(reasonOf(result), reason);
      assert.doesNotMatch(reasonOf(result), /hunter2|wr0ng/);
    }
  });

  test("verify says what an export would say, and is content where one would succeed", async () => {
    const signal = AbortSignal.timeout(20_000);
    const { connectionString } = server;
    await prepare({ connectionString, table: "verified" }).verify!(signal);
    assert.deepEqual(await server.query("SELECT * FROM verified"), []);
    const wrong = prepare({ connectionString: connectionString.replace("hunter2", "wrong") });
    await assert.rejects(wrong.verify!(signal), /password authentication failed/);
  });

  test("a table that is dropped under way is made again", async (t) => {
    const exporter = await open(t, { table: "dropped" });
    await send(exporter, testBatch(testEvents(1)));
    await server.query("DROP TABLE dropped");
    const batch = testBatch(testEvents(2));
    const result = await send(exporter, batch);
    assert.equal(result.status, "retry");
    assert.match(reasonOf(result), /relation "public.dropped" does not exist \(SQLSTATE 42P01\)/);
    assert.deepEqual(await send(exporter, batch), OK);
    assert.equal((await server.query("SELECT id FROM dropped")).length, 2);
  });

  test("a column that someone adds and that must be given keeps events back, and is named", async (t) => {
    const exporter = await open(t, { table: "demanding" });
    await send(exporter, testBatch(testEvents(1)));
    await server.query("ALTER TABLE demanding ADD COLUMN tenant TEXT NOT NULL DEFAULT 'x'");
    await server.query("ALTER TABLE demanding ALTER tenant DROP DEFAULT");
    const batch = testBatch(testEvents(1));
    assert.equal((await send(exporter, batch)).status, "retry");
    assert.match(reasonOf(await send(exporter, batch)), /column "tenant" that must not be NULL/);
    await server.query("ALTER TABLE demanding ALTER tenant SET DEFAULT 'x'");
    assert.deepEqual(await send(exporter, batch), OK);
  });

  test("a server that takes no writes is left, and written to when it does", async (t) => {
    const exporter = await open(t, { table: "demoted" });
    await send(exporter, testBatch(testEvents(1)));
    await server.query("ALTER SYSTEM SET default_transaction_read_only = on");
    await server.query("SELECT pg_reload_conf()");
    const batch = testBatch(testEvents(1));
    await until("the server takes no writes", async () => {
      const result = await send(exporter, testBatch(testEvents(1)));
      return result.status === "retry" && /SQLSTATE 25006\): this server takes no writes/.test(result.reason);
    });
    await server.query("ALTER SYSTEM RESET default_transaction_read_only");
    await server.query("SELECT pg_reload_conf()");
    await until("it takes them again", async () => (await send(exporter, batch)).status === "ok");
  });
});
