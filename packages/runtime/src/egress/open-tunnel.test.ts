import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { ProxyWorld } from "./testing/proxy-world.ts";

const LOOPBACK = { allow: ["127.0.0.1:*"] };
const connectTo = (port: number) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** A client whose tunnel is open. */
async function tunnel(world: ProxyWorld, proxy: number, port: number, first = ""): Promise<Socket> {
  const client = world.client(proxy);
  client.write(connectTo(port) + first);
  const [head] = await once(client, "data");
  assert.match(String(head), /^HTTP\/1\.1 200 /);
  return client;
}

/** The other side has ended it, in whatever way. */
const gone = (client: Socket) => text(client).catch((error: Error) => error.message);

const closedOf = (world: ProxyWorld) =>
  until("the end is told", () => (world.said("closed").length > 0 ? world.said("closed")[0] : undefined));

test("a tunnel passes what came with the request, and each side's end on its own", async () => {
  await using world = new ProxyWorld();
  const port = await world.tcp(async (socket) => socket.end(`got ${await text(socket)}`));
  const client = await tunnel(world, await world.proxy(LOOPBACK), port, "early ");
  client.end("late");
  assert.equal(await text(client), "got early late");
  const { bytesIn, bytesOut, error } = await closedOf(world);
  assert.deepEqual({ bytesIn, bytesOut, error }, { bytesIn: 14, bytesOut: 10, error: undefined });
});

test("a side that does not read holds the other back, and memory stays where it is", async () => {
  await using world = new ProxyWorld();
  let sent = 0;
  const port = await world.tcp((socket) => {
    const block = Buffer.alloc(256 * 1024);
    const push = (): void => {
      while (sent < 512 * 1024 * 1024) {
        sent += block.length;
        if (!socket.write(block)) return void socket.once("drain", push);
      }
    };
    push();
  });
  const client = await tunnel(world, await world.proxy(LOOPBACK), port);
  client.pause();
  let before = -1;
  // The kernel's own buffers fill, then nothing moves any more.
  await until("it stands still", async () => {
    const isStill = sent === before;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill;
  });
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken of one who does not read`);
});

test("one over which nothing passes is ended, and so is one whose client never reads", async () => {
  await using world = new ProxyWorld();
  const port = await world.tcp((socket) => void socket.write(Buffer.alloc(16 * 1024 * 1024)));
  const proxy = await world.proxy(LOOPBACK, { limits: { idleTimeoutMs: 200 } });
  const client = await tunnel(world, proxy, port);
  client.pause();
  assert.equal((await closedOf(world)).error, "idle_timeout");
});

test("an address that does not answer is told of as that, and the client gets 502", async () => {
  await using world = new ProxyWorld();
  const proxy = await world.proxy(LOOPBACK);
  const answer = await world.raw(proxy, connectTo(1));
  assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*ECONNREFUSED/);
  const { error, bytesIn, bytesOut } = await closedOf(world);
  assert.deepEqual({ error, bytesIn, bytesOut }, { error: "ECONNREFUSED", bytesIn: 0, bytesOut: 0 });
});

test("slow and silent clients are cut, and more connections than a sandbox may have are not taken", async () => {
  await using world = new ProxyWorld();
  const limits = { headersTimeoutMs: 300, maxConnections: 3 };
  const proxy = await world.proxy(LOOPBACK, { limits });
  const slow = [world.client(proxy), world.client(proxy), world.client(proxy)];
  await Promise.all(slow.map((client) => once(client, "connect")));
  slow[1]?.write("GET http://127.0.0.1/ HTTP/1.1\r\n");
  const drip = setInterval(() => slow[2]?.write("x"), 50);
  slow[2]?.write("GET http://127.0.0.1/ HTTP/1.1\r\nX: ");
  const oneMore = world.client(proxy);
  await gone(oneMore);
  assert.deepEqual(
    world.said("denied").map(({ reason }) => reason),
    ["too_many_connections"],
  );
  await Promise.all(slow.map(gone));
  clearInterval(drip);
});

test("requests beyond the rate are answered 429 and told of", async () => {
  await using world = new ProxyWorld();
  const proxy = await world.proxy({}, { limits: { requestsPerSecond: 2 } });
  const answers = await Promise.all(Array.from({ length: 8 }, () => world.raw(proxy, connectTo(443))));
  const statuses = answers.map((answer) => answer.slice(9, 12));
  assert.ok(statuses.includes("429") && statuses.includes("403"), statuses.join());
  assert.equal(world.said("denied").length, 8);
});
