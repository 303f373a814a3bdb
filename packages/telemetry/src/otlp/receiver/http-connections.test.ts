import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { call, HttpHarness, requestHead } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const CLOSE = "Connection: close";

test("an answer waits until the request is durable", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const durable = Promise.withResolvers<void>();
  const appended = Promise.withResolvers<void>();
  harness.sink.before = () => {
    appended.resolve();
    return durable.promise;
  };
  const body = spanBatch(3);
  const connection = await harness.connect(port);
  connection.write(requestHead([CLOSE], body.length), body);
  await appended.promise;
  assert.ok(harness.intake.heldBytes >= body.length);
  // Whatever else is answered meanwhile.
  assert.equal((await call(port, { path: "/nothing" })).status, 404);
  assert.deepEqual(connection.statuses, []);
  durable.resolve();
  await connection.closed;
  assert.deepEqual(connection.statuses, [200]);
  assert.equal(harness.intake.heldBytes, 0);
});

test("a connection goes on for one request after the other, also those that are sent before the answer", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const [small, large] = [spanBatch(1), spanBatch(2000)];
  const connection = await harness.connect(port);
  for (const body of [small, large, small]) connection.write(requestHead([], body.length), body);
  connection.write(requestHead([], 3), "bad", requestHead([], 0, "/nothing"));
  connection.write(requestHead([CLOSE], large.length), large);
  await connection.closed;
  assert.deepEqual(connection.statuses, [200, 200, 200, 400, 404, 200]);
  assert.deepEqual(
    harness.sink.requests.map(({ items }) => items),
    [1, 2000, 1, 2000],
  );
});

test("a body may come in chunks, and in pieces of any size", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(40);
  const connection = await harness.connect(port);
  connection.write(requestHead(["Transfer-Encoding: chunked"]));
  for (let at = 0; at < body.length; at += 777) {
    const piece = body.subarray(at, at + 777);
    connection.write(`${piece.length.toString(16)}\r\n`, piece, "\r\n");
  }
  connection.write("0\r\n\r\n", requestHead([CLOSE], body.length));
  await connection.until(200);
  for (let at = 0; at < body.length; at += 1111) {
    connection.write(body.subarray(at, at + 1111));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await connection.closed;
  assert.deepEqual(connection.statuses, [200, 200]);
  const [first, second] = harness.sink.requests;
  assert.deepEqual(first?.bytes, second?.bytes);
});

test("who asks before sending a body is told to go on, or not", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a", { inFlightBytes: 100_000 }));
  const body = spanBatch(2);
  const welcome = await harness.connect(port);
  welcome.write(requestHead(["Expect: 100-continue", CLOSE], body.length));
  await welcome.until(100);
  welcome.write(body);
  await welcome.closed;
  assert.deepEqual(welcome.statuses, [100, 200]);
  for (const [status, head] of [
    [413, requestHead(["Expect: 100-continue"], 200_000)],
    [404, requestHead(["Expect: 100-continue"], 10, "/v1/profiles")],
  ] as const) {
    const refused = await harness.connect(port);
    refused.write(head);
    await refused.closed;
    assert.deepEqual(refused.statuses, [status]);
    assert.match(refused.received, /^connection: close\r$/im);
  }
});

test("a sender that goes away in the middle of a body leaves nothing behind", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  for (const field of ["Content-Length: 1000000", "Transfer-Encoding: chunked"]) {
    for (const end of ["destroy", "end"] as const) {
      const connection = await harness.connect(port);
      connection.write(requestHead([field]), "3e8\r\n", Buffer.alloc(500));
      await harness.untilHeld(500);
      connection.socket[end]();
      await harness.intake.settled("sbx_a");
      assert.equal(harness.intake.heldBytes, 0);
    }
  }
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { aborted: 4 });
  assert.deepEqual(harness.sink.requests, []);
});

test("a request that was all there is kept, also when its sender is gone before the answer", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(1000);
  const connection = await harness.connect(port);
  connection.write(requestHead([], body.length), body);
  connection.socket.end();
  await connection.closed;
  await harness.server.drained("sbx_a");
  assert.deepEqual(
    harness.sink.requests.map(({ items }) => items),
    [1000],
  );
});

test("a sender has so many connections and no more, and gets one back for one that is closed", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a", { connections: 3 }));
  const other = await harness.listen(tenantNamed("sbx_b", { connections: 3 }));
  const open = await Promise.all([1, 2, 3].map(() => harness.connect(port)));
  const body = spanBatch(1);
  for (const connection of open) {
    connection.write(requestHead([], body.length), body);
    await connection.until(200);
  }
  const refused = await harness.connect(port);
  await refused.closed;
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { connections: 1 });
  assert.equal((await call(other, { body })).status, 200);
  open[0]!.socket.destroy();
  await until("there is room again", async () => {
    const connection = await harness.connect(port);
    connection.write(requestHead([], body.length), body);
    await Promise.race([
      connection.closed,
      new Promise((resolve) => connection.socket.once("data", resolve)),
    ]);
    return connection.statuses.includes(200);
  });
});

test("drained waits for the tenant's connections to be closed, cut closes them", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(1);
  await harness.server.drained("sbx_a");
  const connection = await harness.connect(port);
  connection.write(requestHead([], body.length), body);
  await connection.until(200);
  let isDrained = false;
  const drained = harness.server.drained("sbx_a").then(() => {
    isDrained = true;
  });
  connection.write(requestHead([], body.length), body);
  await until("it is taken", () => harness.sink.requests.length === 2);
  assert.equal(isDrained, false);
  harness.server.cut("sbx_a");
  await drained;
  await connection.closed;
});

test("closing answers what is being read, and nothing that comes later", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(100);
  const [idle, busy] = [await harness.connect(port), await harness.connect(port)];
  busy.write(requestHead([], body.length), body.subarray(0, 100));
  await harness.untilHeld(body.length);
  const closed = harness.server.close();
  await idle.closed;
  busy.write(body.subarray(100));
  await Promise.all([busy.closed, closed]);
  assert.deepEqual(busy.statuses, [200]);
  const late = await harness.connect(port);
  await late.closed;
});
