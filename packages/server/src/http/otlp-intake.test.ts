import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { callHttp, until } from "@sandglass/testkit";
import { Keyring } from "../keys.ts";
import { createClientAddresses } from "./client-address.ts";
import { KeyGate } from "./key-gate.ts";
import { OtlpIntake, type OtlpIntakeOptions } from "./otlp-intake.ts";

const ACME = "acme-0123456789abcdef";
const OTHER = "other-0123456789abcdef";
const UNLIMITED = { requestsPerSecond: 0, failedAuthPerMinute: 0 };
const TRACES = "POST /otlp/v1/traces";
const EXPORT = `POST /otlp/v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ACME}\r\n`;
const HEAD = `${EXPORT}content-type: application/json\r\ncontent-length: 100\r\n\r\n`;

/** The daemon's side, before a collector that does what a test says. */
async function serving(
  t: TestContext,
  collect: RequestListener | undefined,
  options: OtlpIntakeOptions = {},
): Promise<{ url: string; apiKey: string; port: number; inside: Server }> {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-otlp-"));
  const socketPath = join(dataDir, "otlp.sock");
  const inside = createServer(collect);
  if (collect !== undefined) await once(inside.listen(socketPath), "listening");
  const keyring = await Keyring.open(dataDir, [
    { name: "a", secret: ACME, orgId: "acme" },
    { name: "b", secret: OTHER, orgId: "other" },
  ]);
  const gate = new KeyGate(keyring, createClientAddresses([]), UNLIMITED);
  const intake = new OtlpIntake(
    { socketPath, countRefused: () => undefined },
    gate,
    () => undefined,
    options,
  );
  const outside = createServer((asked, answer) => intake.serve(asked, answer));
  await once(outside.listen(0, "127.0.0.1"), "listening");
  t.after(async () => {
    for (const server of [outside, inside]) {
      server.close();
      server.closeAllConnections();
    }
    await rm(dataDir, { recursive: true });
  });
  const { port } = outside.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, apiKey: ACME, port, inside };
}

/** What comes back for a body that is begun and never ended. */
async function dripping(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`${HEAD}{`);
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (text.includes("\r\n\r\n{")) break;
  }
  return text;
}

function assertUnavailable(text: string): void {
  assert.match(text, /^HTTP\/1\.1 503 /);
  assert.match(text, /retry-after: 1\r\n/);
  assert.match(text, /content-type: application\/json\r\n/);
  assert.equal(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).code, 14);
}

test("an upload that the collector gives up in the middle is answered, in OTLP's form", async (t) => {
  const { port } = await serving(t, (asked) => asked.once("data", () => asked.socket.destroy()));
  assertUnavailable(await dripping(port));
});

test("an upload to a collector that says nothing is answered when the time is over", async (t) => {
  const { port } = await serving(t, (asked) => asked.resume(), { timeoutMs: 50 });
  assertUnavailable(await dripping(port));
});

test("without a collector the sender is told to come again, in protobuf where it speaks that", async (t) => {
  const daemon = await serving(t, undefined);
  const headers = { "content-type": "application/x-protobuf" };
  const { status, headers: told } = await callHttp(daemon, TRACES, { body: "x", headers });
  assert.deepEqual([status, told["retry-after"], told["content-type"]], [503, "1", "application/x-protobuf"]);
});

test("a refusal that comes before the end of the body reaches its sender, who is cut off when the collector is done with it", async (t) => {
  const { port } = await serving(t, (asked, answer) => {
    answer.writeHead(429, { "retry-after": "7", "content-length": "0" }).end();
    asked.resume();
    answer.once("close", () => asked.socket.destroy());
  });
  const socket = connect(port, "127.0.0.1");
  socket.write(`${HEAD}{`);
  const text = Buffer.concat(await socket.toArray()).toString();
  assert.match(text, /^HTTP\/1\.1 429 [\s\S]*retry-after: 7\r\n/);
});

test("a sender that goes away in the middle is not waited for by the collector", async (t) => {
  const gone = Promise.withResolvers<void>();
  const { port } = await serving(t, (asked) =>
    asked
      .once("data", () => socket.destroy())
      .on("error", () => undefined)
      .once("close", gone.resolve),
  );
  const socket = connect(port, "127.0.0.1");
  socket.write(`${HEAD}{`);
  await gone.promise;
});

test("slow uploads of one organisation are bounded and take nothing from another, and give their places back", async (t) => {
  let reading = 0;
  const daemon = await serving(
    t,
    (asked, answer) => {
      reading++;
      asked
        .on("error", () => undefined)
        .resume()
        .once("close", () => reading--)
        .once("end", () => answer.end("{}"));
    },
    { maxPerOrganisation: 3, maxRequests: 4 },
  );
  const begin = (key: string) => {
    const headers = { authorization: `Bearer ${key}`, "content-length": "100" };
    const slow = request(daemon.url, { path: "/otlp/v1/traces", method: "POST", headers });
    slow.on("error", () => undefined).write("{");
    return slow;
  };
  const slow = [ACME, ACME, ACME].map(begin);
  await until("three are under way", () => reading === 3);
  const refused = await callHttp(daemon, TRACES, { json: {} });
  assert.deepEqual([refused.status, refused.headers["retry-after"], refused.json.code], [429, "1", 8]);
  assert.equal((await callHttp(daemon, TRACES, { json: {}, apiKey: OTHER })).status, 200);
  slow.push(begin(OTHER));
  await until("four are under way", () => reading === 4);
  assert.equal((await callHttp(daemon, TRACES, { json: {}, apiKey: OTHER })).status, 503);
  for (const each of slow) each.destroy();
  await until(
    "its places are free",
    async () => (await callHttp(daemon, TRACES, { json: {} })).status === 200,
  );
});
