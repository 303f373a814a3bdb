import assert from "node:assert/strict";
import { test } from "node:test";
import { type PostgresServer, SwitchingProxy, startPostgres, startStandby, until } from "@sandglass/testkit";
import { testBatch, testEvents } from "../http/testing/event-batch.ts";
import { openExporter, send } from "./testing/open-exporter.ts";
import { type Delivery, sendAll } from "./testing/send-all.ts";

const BATCHES = 300;

function manyBatches() {
  const batches = Array.from({ length: BATCHES }, () => testBatch(testEvents(20)));
  const ids = batches.flatMap(({ events }) => events.map(({ event }) => event.id)).sort();
  return { batches, ids };
}

async function idsIn(server: PostgresServer): Promise<string[]> {
  const rows = await server.query<{ id: string }>('SELECT id FROM sandglass_events ORDER BY id COLLATE "C"');
  return rows.map(({ id }) => id);
}

const reached = (delivery: Delivery, count: number) =>
  until(`${count} batches are delivered`, () => delivery.delivered >= count);

for (const [how, interrupt] of [
  ["stopped and started", (server: PostgresServer) => server.stop("fast")],
  ["killed and started", (server: PostgresServer) => server.kill()],
] as const) {
  test(`every event is there once though the server is ${how} under way, twice`, async (t) => {
    await using server = await startPostgres();
    const exporter = await openExporter(t, { connectionString: server.connectionString });
    const { batches, ids } = manyBatches();
    const delivery = sendAll(exporter, batches);
    for (const count of [BATCHES / 4, BATCHES / 2]) {
      await reached(delivery, count);
      const { retries } = delivery;
      await interrupt(server);
      await until("an attempt has failed", () => delivery.retries > retries);
      await server.start();
    }
    assert.ok(delivery.delivered < BATCHES, "it was interrupted under way");
    await delivery.done;
    assert.deepEqual(await idsIn(server), ids);
  });
}

test("every event is there once though the primary dies under way and its standby takes over", async (t) => {
  await using primary = await startPostgres();
  await using standby = await startStandby(primary);
  await using proxy = await SwitchingProxy.start(primary.port);
  const exporter = await openExporter(t, { connectionString: through(primary, proxy) });
  const { batches, ids } = manyBatches();
  const delivery = sendAll(exporter, batches);
  await reached(delivery, BATCHES / 3);
  await primary.kill();
  proxy.switchTo(undefined);
  const { retries } = delivery;
  await until("an attempt has failed", () => delivery.retries > retries);
  // For a while the address leads to a server that takes no writes yet.
  proxy.switchTo(standby.port);
  const refused = delivery.retries;
  await until("an attempt has failed at the standby", () => delivery.retries > refused + 2);
  assert.ok(delivery.delivered < BATCHES, "it was interrupted under way");
  await standby.promote();
  await delivery.done;
  assert.deepEqual(await idsIn(standby), ids);
});

test("connections that are cut again and again cost no event and no error that nobody handles", async (t) => {
  await using server = await startPostgres();
  await using proxy = await SwitchingProxy.start(server.port);
  const exporter = await openExporter(t, { connectionString: through(server, proxy) });
  const { batches, ids } = manyBatches();
  const delivery = sendAll(exporter, batches);
  for (let cut = 1; cut <= 8; cut++) {
    await reached(delivery, (BATCHES / 10) * cut);
    proxy.switchTo(server.port);
  }
  await delivery.done;
  assert.ok(delivery.retries > 0);
  assert.deepEqual(await idsIn(server), ids);
  // Nobody uses them now, and they are cut all the same.
  proxy.switchTo(server.port);
  await until("they are closed", () => proxy.openSockets === 0);
  assert.equal((await send(exporter, testBatch(testEvents(1)))).status, "ok");
});

test("an event that the standby does not have yet is not called delivered, also when it comes again", async (t) => {
  await using primary = await startPostgres();
  await using standby = await startStandby(primary);
  const exporter = await openExporter(t, { connectionString: primary.connectionString });
  await send(exporter, testBatch(testEvents(1)));
  await standby.stop();

  // The primary has the rows, tells nobody, and dies.
  const batch = testBatch(testEvents(3));
  const given = send(exporter, batch);
  await waitsForStandby(primary);
  await primary.kill();
  assert.equal((await given).status, "retry");
  await primary.start();
  assert.equal((await primary.query("SELECT id FROM sandglass_events")).length, 4);

  let isDelivered = false;
  const again = send(exporter, batch).then((result) => {
    isDelivered = true;
    return result;
  });
  await waitsForStandby(primary);
  assert.equal(isDelivered, false);
  await standby.start();
  assert.deepEqual(await again, { status: "ok" });
  await primary.kill();
  await standby.promote();
  assert.equal((await standby.query("SELECT id FROM sandglass_events")).length, 4);
});

async function waitsForStandby(primary: PostgresServer): Promise<void> {
  await until("a commit waits for the standby", async () => {
    const rows = await primary.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    return rows.length > 0;
  });
}

function through(server: PostgresServer, proxy: SwitchingProxy): string {
  return server.connectionString.replace(`:${server.port}`, `:${proxy.port}`);
}
