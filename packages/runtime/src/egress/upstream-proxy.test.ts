import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, test } from "node:test";
import { until } from "@sandglass/testkit";
import { ProxyWorld } from "./testing/proxy-world.ts";
import { parseUpstreamProxy, type UpstreamProxy } from "./upstream-proxy.ts";

/** What the other proxy was asked, each with the credentials that came along. */
const asked: string[] = [];
let server: Server;
let upstream: UpstreamProxy;
/** Where it leads to, whatever it is asked for. */
let destination = 0;
/** What it says to CONNECT. */
let answer = "HTTP/1.1 200 OK\r\nX-Via: 1\r\n\r\n";

before(async () => {
  server = createServer(async (request, response) => {
    const { "proxy-authorization": credentials, host } = request.headers;
    asked.push(`${request.method} ${request.url} ${host} ${credentials}`);
    if (request.url?.includes("/407")) response.writeHead(407, { "proxy-authenticate": "Basic" }).end("who?");
    else response.end(`by the proxy: ${await text(request)}`);
  });
  server.on("connect", (request, client) => {
    asked.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"]}`);
    client.on("error", () => undefined);
    if (!answer.startsWith("HTTP/1.1 200")) return void client.end(answer);
    const socket = connect(destination, "127.0.0.1", () => {
      client.write(answer);
      client.pipe(socket).pipe(client);
    }).on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  upstream = parseUpstreamProxy(`http://agent:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}`);
});
after(() => server.close().closeAllConnections());
beforeEach(() => {
  asked.length = 0;
  answer = "HTTP/1.1 200 OK\r\nX-Via: 1\r\n\r\n";
});

const CREDENTIALS = `Basic ${Buffer.from("agent:p@ss").toString("base64")}`;
const resolve = async (name: string): Promise<string[]> => assert.fail(`${name} is resolved here`);
const connectTo = (target: string): string => `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
const get = (url: string): string => `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
const policy = { allow: ["names.example:*", "*.names.example", "8.8.8.8"], deny: ["bad.names.example"] };

test("a tunnel goes through the other proxy by its name, with our credentials and not the client's, and bytes are the client's own", async () => {
  await using world = new ProxyWorld();
  destination = await world.tcp(async (socket) => socket.end(`got ${await text(socket)}`));
  const port = await world.proxy(policy, { upstream, resolve });
  const client = world.client(port);
  client.end(
    "CONNECT names.example:22 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic bWluZQ==\r\n\r\nhello",
  );
  const said = await text(client);
  assert.match(said, /^HTTP\/1\.1 200 Connection Established\r\n\r\ngot hello$/);
  assert.deepEqual(asked, [`CONNECT names.example:22 ${CREDENTIALS}`]);
  const [closed] = await until(
    "the end is told",
    () => world.said("closed").length === 1 && world.said("closed"),
  );
  assert.deepEqual(
    [closed?.host, closed?.port, closed?.bytesIn, closed?.bytesOut],
    ["names.example", 22, 9, 5],
  );
});

test("a destination that speaks first is heard, also where its words come with the other proxy's answer", async () => {
  await using world = new ProxyWorld();
  answer += "early ";
  destination = await world.tcp((socket) => void socket.end("late"));
  const port = await world.proxy(policy, { upstream, resolve });
  const client = world.client(port);
  client.end(connectTo("names.example:443"));
  assert.match(await text(client), /\r\n\r\nearly late$/);
  const [closed] = await until(
    "the end is told",
    () => world.said("closed").length === 1 && world.said("closed"),
  );
  assert.equal(closed?.bytesIn, 10);
});

test("a request of plain HTTP is handed to the other proxy as a whole", async () => {
  await using world = new ProxyWorld();
  const port = await world.proxy(policy, { upstream, resolve });
  const body =
    "PUT http://a.names.example/x?y=1 HTTP/1.1\r\nHost: other\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody";
  assert.match(await world.raw(port, body), /^HTTP\/1\.1 200 [\s\S]*by the proxy: body$/);
  assert.deepEqual(asked, [`PUT http://a.names.example/x?y=1 a.names.example ${CREDENTIALS}`]);
});

test("what the policy does not let out never comes to the other proxy", async () => {
  await using world = new ProxyWorld();
  const port = await world.proxy({ ...policy, default: "allow" }, { upstream, resolve });
  const targets = [
    "bad.names.example:443",
    "other.example:22",
    "localhost:80",
    "x.localhost:443",
    "127.0.0.1:80",
  ];
  const addresses = ["169.254.169.254:80", "10.0.0.1:443", "2130706433:80", "[::ffff:10.0.0.1]:80"];
  for (const target of [...targets, ...addresses]) {
    assert.match(await world.raw(port, connectTo(target)), /^HTTP\/1\.1 403 /, target);
    assert.match(await world.raw(port, get(`http://${target}/`)), /^HTTP\/1\.1 403 /, target);
  }
  assert.deepEqual(asked, []);
  const reasons = new Set(world.said("denied").map(({ reason }) => reason));
  assert.deepEqual([...reasons], ["denied", "not_allowed", "not_public"]);
});

test("a refusal of the other proxy is 502 with its status, and its question for credentials stays here", async () => {
  await using world = new ProxyWorld();
  const port = await world.proxy(policy, { upstream, resolve });
  const answers: [said: string, error: string][] = [
    ["HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n", "upstream_407"],
    ["HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", "upstream_403"],
    ["SSH-2.0-x\r\n\r\n", "upstream_bad_answer"],
    [`HTTP/1.1 500 ${"x".repeat(20_000)}`, "upstream_bad_answer"],
    ["HTTP/1.1 500 x\r\n", "upstream_closed"],
  ];
  for (const [said, error] of answers) {
    answer = said;
    const text = await world.raw(port, connectTo("names.example:443"));
    assert.match(text, new RegExp(`^HTTP/1\\.1 502 [\\s\\S]*${error}`));
    assert.doesNotMatch(text, /authenticate/i);
  }
  const plain = await world.raw(port, get("http://names.example/407"));
  assert.match(plain, /^HTTP\/1\.1 502 [\s\S]*upstream_407/);
  assert.doesNotMatch(plain, /authenticate/i);
  const gone = parseUpstreamProxy("http://127.0.0.1:1");
  const nowhere = await world.proxy(policy, { upstream: gone, resolve });
  assert.match(
    await world.raw(nowhere, connectTo("names.example:443")),
    /^HTTP\/1\.1 502 [\s\S]*ECONNREFUSED/,
  );
});

test("a URL that is no proxy's is refused, and nothing of it repeated", () => {
  for (const url of [
    "socks5://u:secret@h:1",
    "https://u:secret@h",
    "u:secret@h:1",
    "http://u:secret@h/path",
    "http://",
    "",
  ])
    assert.throws(
      () => parseUpstreamProxy(url),
      (error: Error) => /http:\/\/host:port/.test(error.message) && !error.message.includes("secret"),
    );
  assert.deepEqual(parseUpstreamProxy("http://[::1]"), { host: "::1", port: 80 });
  assert.deepEqual(parseUpstreamProxy("http://proxy.example:3128/"), { host: "proxy.example", port: 3128 });
});
