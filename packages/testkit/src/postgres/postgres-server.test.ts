import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "pg";
import { startPostgres } from "./postgres-server.ts";
import { startStandby } from "./standby.ts";
import { SwitchingProxy } from "./switching-proxy.ts";

test("a server keeps what was committed over a stop and a kill, at the same port", async () => {
  await using server = await startPostgres();
  await server.query("CREATE TABLE kept (n int)");
  await server.query("INSERT INTO kept VALUES (1)");
  await server.stop();
  await assert.rejects(server.query("SELECT 1"), { code: "ECONNREFUSED" });
  await server.start();
  await server.query("INSERT INTO kept VALUES (2)");
  await server.kill();
  await assert.rejects(server.query("SELECT 1"), { code: "ECONNREFUSED" });
  await server.start();
  assert.deepEqual(await server.query("SELECT n FROM kept ORDER BY n"), [{ n: 1 }, { n: 2 }]);
  assert.match(server.logs(), /database system was interrupted/);
});

test("a password that was given is asked for", async () => {
  await using server = await startPostgres({ password: "s3cret/ü" });
  assert.deepEqual(await server.query("SELECT 1 AS one"), [{ one: 1 }]);
  const client = new Client(server.connectionString.replace(/:[^:@]+@/, ":wrong@"));
  await assert.rejects(client.connect(), { code: "28P01" });
});

test("a standby has every acknowledged commit, and takes over behind a proxy", async () => {
  await using primary = await startPostgres();
  await using standby = await startStandby(primary);
  await using proxy = await SwitchingProxy.start(primary.port);
  const through = primary.connectionString.replace(String(primary.port), String(proxy.port));
  const first = new Client(through);
  const cut = new Promise((resolve) => first.on("error", resolve));
  await first.connect();
  await first.query("CREATE TABLE kept AS SELECT 1 AS n");
  await assert.rejects(standby.query("INSERT INTO kept VALUES (2)"), { code: "25006" });

  await primary.kill();
  proxy.switchTo(standby.port);
  await cut;
  await standby.promote();
  const second = new Client(through);
  await second.connect();
  await second.query("INSERT INTO kept VALUES (2)");
  assert.deepEqual((await second.query("SELECT n FROM kept ORDER BY n")).rows, [{ n: 1 }, { n: 2 }]);
  await second.end();
});
