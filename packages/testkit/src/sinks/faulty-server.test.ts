import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyServer } from "./faulty-server.ts";

test("a fault is for every request, or for those that its plan names", async () => {
  let taken = 0;
  await using server = await FaultyServer.start(({ body }) => ({ status: 200, body: `${++taken} ${body}` }));
  const post = async () => (await fetch(server.url, { method: "POST", body: "hello" })).text();
  server.fault = (request) => (request === 2 ? { status: 503, body: "not now" } : undefined);
  assert.deepEqual([await post(), await post(), await post()], ["1 hello", "not now", "2 hello"]);
  server.fault = { resetBeforeAnswer: true };
  await assert.rejects(post());
  await assert.rejects(post());
  assert.equal(taken, 2);
  server.fault = { resetMidBody: true };
  await assert.rejects(post());
  assert.equal(taken, 3);
  server.fault = { dripMs: 1, delayMs: 1 };
  assert.equal(await post(), "4 hello");
  assert.equal(server.requests, 7);
});

test("a server that is down refuses connections, and is up again on the same port", async () => {
  await using server = await FaultyServer.start(() => ({ status: 204 }));
  server.fault = { hang: true };
  const hanging = assert.rejects(fetch(server.url));
  while (server.lastRequest === undefined) await new Promise(setImmediate);
  await server.down();
  await hanging;
  await assert.rejects(fetch(server.url));
  const { url } = server;
  server.fault = undefined;
  await server.up();
  assert.equal(server.url, url);
  assert.equal((await fetch(url)).status, 204);
});
