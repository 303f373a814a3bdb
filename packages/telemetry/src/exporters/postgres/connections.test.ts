import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, type TestContext, test } from "node:test";
import { type PostgresServer, startPostgres, until } from "@sandglass/testkit";
import { Client } from "pg";
import type { ExportResult } from "../../delivery/exporter.ts";
import { testBatch, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, send } from "./testing/open-exporter.ts";

const OK = { status: "ok" };
const reasonOf = (result: ExportResult): string => ("reason" in result ? result.reason : "");

describe("the connections to postgres", () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ password: "hunter2", hasTls: true });
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (t: TestContext, config: Record<string, unknown>) =>
    openExporter(t, { connectionString: server.connectionString, ...config });

  /** Sessions whose last statement was an insert into the table. */
  const sessionsOf = (table: string) =>
    server.query<{ ssl: boolean }>(
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE starts_with(query, $1)",
      [`INSERT INTO "public"."${table}"`],
    );

  for (const ssl of [false, true]) {
    test(`an attempt that is given up ends here and at the server (TLS: ${ssl})`, async (t) => {
      const table = `locked_${ssl}`;
      const exporter = await open(t, { table, ssl: ssl && { ca: server.certificateFile } });
      await send(exporter, testBatch(testEvents(1)));
      const waiting = () => server.query("SELECT pid FROM pg_locks WHERE NOT granted");
      const blocker = new Client(server.connectionString);
      await blocker.connect();
      await blocker.query(`BEGIN; LOCK TABLE ${table}`);
      const batch = testBatch(testEvents(1));
      const first = new AbortController();
      const given = exporter.export(batch, { signal: first.signal });
      await until("the insert waits", async () => (await waiting()).length > 0);
      const [abandoned] = await waiting();
      first.abort();
      assert.equal((await given).status, "retry");

      const second = new AbortController();
      const again = exporter.export(batch, { signal: second.signal });
      await until("only the new attempt waits", async () => {
        const now = await waiting();
        return now.length === 1 && now[0]?.pid !== abandoned?.pid;
      });
      await blocker.query("ROLLBACK");
      await blocker.end();
      assert.deepEqual(await again, OK);
      assert.equal((await server.query(`SELECT id FROM ${table}`)).length, 2);
    });
  }

  test("TLS is used where it is asked for, and a stranger's certificate is refused", async (t) => {
    const isEncrypted = async (config: Record<string, unknown>) => {
      const exporter = await open(t, { table: "encrypted", ...config });
      const result = await send(exporter, testBatch(testEvents(1)));
      if (result.status !== "ok") return reasonOf(result);
      const [session] = await sessionsOf("encrypted");
      await exporter.shutdown();
      await until("its session is over", async () => (await sessionsOf("encrypted")).length === 0);
      return session?.ssl;
    };
    const saying = (parameters: string) => ({ connectionString: `${server.connectionString}?${parameters}` });
    assert.equal(await isEncrypted({}), false);
    assert.equal(await isEncrypted({ ssl: { ca: server.certificateFile } }), true);
    assert.equal(await isEncrypted({ ssl: { rejectUnauthorized: false } }), true);
    assert.equal(
      await isEncrypted({ ...saying("sslmode=disable"), ssl: { ca: server.certificateFile } }),
      true,
    );
    assert.equal(await isEncrypted({ ...saying("sslmode=require"), ssl: false }), false);
    assert.equal(
      await isEncrypted(saying(`sslmode=verify-full&sslrootcert=${server.certificateFile}`)),
      true,
    );
    assert.match(String(await isEncrypted({ ssl: true })), /self-signed certificate/);
    assert.match(String(await isEncrypted(saying("sslmode=require"))), /self-signed certificate/);
  });

  test("after shutdown no session is left", async (t) => {
    const exporter = await open(t, { table: "left" });
    await Promise.all([send(exporter, testBatch(testEvents(5))), send(exporter, testBatch(testEvents(5)))]);
    assert.equal((await sessionsOf("left")).length, 2);
    await exporter.shutdown();
    await until("the sessions are over", async () => (await sessionsOf("left")).length === 0);
  });

  test("a server that accepts and says nothing is left when the attempt is given up", async (t) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket.resume().on("error", () => {}));
      socket.once("close", () => sockets.delete(socket));
    }).listen(0, "127.0.0.1");
    t.after(() => silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    for (const ssl of [false, true]) {
      const exporter = await open(t, { connectionString: `postgres://u:p@127.0.0.1:${port}/d`, ssl });
      const attempt = new AbortController();
      const given = exporter.export(testBatch(testEvents(1)), { signal: attempt.signal });
      await until("it has connected", () => sockets.size === 1);
      attempt.abort();
      assert.equal((await given).status, "retry");
      await until("it is gone", () => sockets.size === 0);
    }
  });

  test("behind a pooler that loses prepared statements it goes on without", async (t) => {
    const exporter = await open(t, { table: "pooled" });
    await send(exporter, testBatch(testEvents(1)));
    await server.query(
      `CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DEALLOCATE ALL; RETURN NULL; END';
       CREATE TRIGGER forget AFTER INSERT ON pooled EXECUTE FUNCTION forget()`,
    );
    const results = [];
    for (let i = 0; i < 5; i++) results.push((await send(exporter, testBatch(testEvents(1)))).status);
    assert.deepEqual(results, ["ok", "retry", "ok", "ok", "ok"]);
  });
});
