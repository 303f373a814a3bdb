import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { ProxyWorld } from "./testing/proxy-world.ts";

const LOOPBACK = ["127.0.0.1:*"];
const get = (url: string, more = "") =>
  `GET ${url} HTTP/1.1\r\nHost: other.example\r\n${more}Connection: close\r\n\r\n`;
const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test("a request goes where its URL says, with the Host that belongs to it, and without what is for the proxy", async () => {
  await using world = new ProxyWorld();
  const seen: string[] = [];
  const port = await world.http((request, response) => {
    seen.push(`${request.method} ${request.url}`, ...request.rawHeaders);
    response.writeHead(201, "Made", {
      "x-answer": "1",
      connection: "close, x-hop",
      "x-hop": "2",
      "proxy-authenticate": "Basic",
    });
    response.end("hello");
  });
  const proxy = await world.proxy({ allow: LOOPBACK });
  const fields =
    "Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\nX-Own: 1\r\nX-Mine: 2\r\nConnection: x-own\r\n";
  const answer = await world.raw(proxy, get(`http://127.0.0.1:${port}/a?b=c`, fields));
  assert.deepEqual(seen, ["GET /a?b=c", "Host", `127.0.0.1:${port}`, "X-Mine", "2", "Connection", "close"]);
  assert.match(answer, /^HTTP\/1\.1 201 Made\r\n/);
  assert.match(answer, /x-answer: 1/i);
  assert.doesNotMatch(answer, /x-hop|proxy-auth/i);
  assert.match(answer, /hello/);
  const [closed] = world.said("closed");
  assert.deepEqual([closed?.host, closed?.port, closed?.error], ["127.0.0.1", port, undefined]);
  assert.ok(closed!.bytesIn > 50 && closed!.bytesOut > 50);
});

test("bodies pass both ways, by length and in chunks, and each request of a kept connection is a decision of its own", async () => {
  await using world = new ProxyWorld();
  const port = await world.http(async (request, response) =>
    response.end(`${request.url} ${await text(request)}`),
  );
  const proxy = await world.proxy({ allow: LOOPBACK, deny: [`127.0.0.1:${port + 1}`] });
  const url = `http://127.0.0.1:${port}`;
  const chunked = `POST ${url}/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`;
  const sized = `PUT ${url}/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody`;
  const elsewhere = get(`http://127.0.0.1:${port + 1}/`);
  const answer = await world.raw(
    proxy,
    `${chunked}${sized}POST ${url}/c HTTP/1.1\r\nHost: x\r\n\r\n${elsewhere}`,
  );
  assert.deepEqual(
    [...answer.matchAll(/\r\n(\/.*?)HTTP\/1.1/g)].map(([, body]) => body),
    ["/a abcde", "/b body", "/c "],
  );
  assert.deepEqual(
    [world.said("closed").length, world.said("denied").map(({ reason }) => reason)],
    [3, ["denied"]],
  );
});

test("a redirect is passed on, and where it leads to is decided anew", async () => {
  await using world = new ProxyWorld();
  const port = await world.http((_request, response) =>
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end(),
  );
  const proxy = await world.proxy({ default: "allow", allow: LOOPBACK });
  assert.match(await world.raw(proxy, get(`http://127.0.0.1:${port}/`)), /location: http:\/\/169\.254/i);
  const next = await world.raw(proxy, get("http://169.254.169.254/latest/meta-data/"));
  assert.equal(status(next), 403);
  assert.deepEqual(
    world.said("denied").map(({ host, reason }) => [host, reason]),
    [["169.254.169.254", "not_public"]],
  );
});

test("a name is resolved once, and what was checked is what is connected to", async () => {
  await using world = new ProxyWorld();
  const port = await world.http((_request, response) => response.end("reached"));
  let asked = 0;
  // The second answer would be another address: the way of DNS rebinding.
  const resolve = async () => (asked++ === 0 ? ["127.0.0.1"] : ["127.0.0.2"]);
  const proxy = await world.proxy({ allow: [`rebind.example:${port}`, "127.0.0.1:*"] }, { resolve });
  assert.match(await world.raw(proxy, get(`http://rebind.example:${port}/`)), /\r\n\r\nreached$/);
  assert.equal(asked, 1);
  assert.equal(status(await world.raw(proxy, get(`http://rebind.example:${port}/`))), 403);
  assert.deepEqual(
    world.said("denied").map(({ reason }) => reason),
    ["not_public"],
  );
});

test("a name that leads to what is not public is refused as a whole, without saying where it leads", async () => {
  await using world = new ProxyWorld();
  for (const addresses of [
    ["127.0.0.1"],
    ["10.0.0.1"],
    ["8.8.8.8", "fd00::1"],
    ["::ffff:169.254.169.254"],
    ["fe80::1%lo"],
  ]) {
    const proxy = await world.proxy({ allow: ["inner.example"] }, { resolve: async () => addresses });
    const answer = await world.raw(
      proxy,
      "CONNECT inner.example:443 HTTP/1.1\r\nHost: inner.example\r\n\r\n",
    );
    assert.equal(status(answer), 403);
    assert.match(answer, /not public/);
    for (const address of addresses) assert.ok(!answer.includes(address), answer);
  }
});

test("addresses in every disguise are refused alike", async () => {
  await using world = new ProxyWorld();
  const proxy = await world.proxy({ default: "allow", allow: ["*:*"] });
  const hosts = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "0",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "[64:ff9b::a9fe:a9fe]",
    "100.64.0.1",
    "[fe80::1]",
    "localhost",
  ];
  for (const host of hosts) {
    assert.equal(status(await world.raw(proxy, get(`http://${host}/`))), 403, host);
    assert.equal(
      status(await world.raw(proxy, `CONNECT ${host}:443 HTTP/1.1\r\nHost: x\r\n\r\n`)),
      403,
      host,
    );
  }
  assert.deepEqual(new Set(world.said("denied").map(({ reason }) => reason)), new Set(["not_public"]));
});

test("what is no request for a proxy gets 400 and reaches nothing", async () => {
  await using world = new ProxyWorld();
  let reached = 0;
  const port = await world.http((_request, response) => response.end(String(++reached)));
  const proxy = await world.proxy({ allow: [...LOOPBACK, "*:*"] });
  const url = `http://127.0.0.1:${port}/`;
  const bad = [
    get("/"),
    get("*"),
    get(`https://127.0.0.1:${port}/`),
    get(`http://user:secret@127.0.0.1:${port}/`),
    get("http://127.0.0.1%00.example/"),
    get("http://ex%61mple.org/"),
    get("http://a b/"),
    get("http://a\0b/"),
    "CONNECT 127.0.0.1 HTTP/1.1\r\nHost: x\r\n\r\n",
    `CONNECT http://127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `CONNECT user@127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc`,
    `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
    `POST ${url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST ${url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    `POST ${url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    `GET ${url} HTTP/1.1\r\nHost: x\nX: y\r\n\r\n`,
    `GET ${url} HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n`,
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "SSH-2.0-OpenSSH_9.2\r\n",
    `GET ${url} HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
  ];
  for (const bytes of bad) {
    const answer = await world.raw(proxy, Buffer.from(bytes, "latin1"));
    assert.ok(
      [400, 431].includes(status(answer)),
      `${JSON.stringify(bytes.slice(0, 80))}: ${answer.slice(0, 80)}`,
    );
  }
  assert.equal(reached, 0);
  for (const { host, reason } of world.said("denied")) assert.deepEqual([host, reason], ["", "bad_request"]);
});

test("nothing is decided before it is known whose request it is, and a client that goes meanwhile reaches nothing", async () => {
  await using world = new ProxyWorld();
  let reached = 0;
  const port = await world.tcp(() => reached++);
  const { promise: owned, resolve } = Promise.withResolvers<undefined>();
  const proxy = await world.proxy({ allow: LOOPBACK }, { owned });
  const client = world.client(proxy);
  client.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until("it has come in", () => world.requests === 1);
  client.resetAndDestroy();
  // What comes later is seen later: the reset has been seen when this is answered.
  assert.equal(status(await world.raw(proxy, "GARBAGE\r\n\r\n")), 400);
  resolve(undefined);
  const [closed] = await until("it is told", () =>
    world.said("closed").length > 0 ? world.said("closed") : undefined,
  );
  assert.equal(closed?.error, "client_gone");
  assert.equal(reached, 0);
});

test("a request of which no exec is known reaches nothing, and no name is resolved for it", async () => {
  await using world = new ProxyWorld();
  const owned = Promise.resolve("not_attributed" as const);
  const resolve = async (name: string): Promise<string[]> => assert.fail(`${name} is resolved`);
  const proxy = await world.proxy({ allow: ["*"], deny: ["bad.example"] }, { owned, resolve });
  for (const host of ["secret.example", "bad.example"]) {
    const answer = await world.raw(proxy, `CONNECT ${host}:443 HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal(status(answer), 403, answer);
  }
  assert.deepEqual(
    world.said("denied").map(({ host, reason }) => [host, reason]),
    [
      ["secret.example", "not_attributed"],
      ["bad.example", "denied"],
    ],
  );
  assert.deepEqual(world.said("opened"), []);
});

test("a request that comes while the record has no room is refused as one too many, and nothing is decided on it", async () => {
  await using world = new ProxyWorld();
  const owned = Promise.resolve("rate_limited" as const);
  const proxy = await world.proxy({ allow: LOOPBACK }, { owned });
  assert.equal(status(await world.raw(proxy, get("http://127.0.0.1:1/"))), 429);
  assert.equal(status(await world.raw(proxy, get("http://other.example/"))), 429);
  assert.deepEqual(
    world.said("denied").map(({ reason }) => reason),
    ["rate_limited", "rate_limited"],
  );
});

test("as many are let out at once over one connection as over many", async () => {
  await using world = new ProxyWorld();
  let reached = 0;
  const port = await world.http(() => reached++);
  const proxy = await world.proxy({ allow: LOOPBACK }, { limits: { maxConnections: 3 } });
  const client = world.client(proxy);
  client.write(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(7));
  await until("three have come through, four are refused", () => {
    assert.ok(reached <= 3);
    return reached === 3 && world.said("denied").length === 4;
  });
  assert.deepEqual(
    new Set(world.said("denied").map(({ reason }) => reason)),
    new Set(["too_many_connections"]),
  );
  client.destroy();
  await until("what was let out is over", () => world.said("closed").length === 3);
  const next = world.client(proxy);
  next.write(get(`http://127.0.0.1:${port}/`));
  await until("there is room again", () => reached === 4);
});
