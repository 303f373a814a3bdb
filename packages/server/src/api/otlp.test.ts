import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const ACME = "acme-0123456789abcdef";
const OTHER = "other-0123456789abcdef";
const TRACES = "POST /otlp/v1/traces";
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({
    apiKeys: [`a:${ACME}@acme`, `b:${OTHER}@other`],
    env: { SANDGLASS_COLLECTOR_BYTES_PER_SECOND: "65536" },
  });
});
after(() => daemon.stop());

/** An upload that is begun and never ended. */
function upload(key: string, bytes = 100): Socket & { text: string } {
  const { port } = new URL(daemon.url);
  const socket = Object.assign(connect(Number(port), "127.0.0.1"), { text: "" });
  socket.setEncoding("utf8").on("error", () => undefined);
  socket.on("data", (text) => (socket.text += text));
  socket.write(
    `${TRACES} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`,
  );
  return socket;
}

function collectorPid(): number {
  const { pid } = daemon;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  const found = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, "utf8").includes("sandglass-collector"),
  );
  return Number(found);
}

async function assertAlive(): Promise<void> {
  assert.equal((await callHttp(daemon, "GET /healthz")).status, 200);
  process.kill(daemon.pid, 0);
  assert.doesNotMatch(daemon.logs(), /unhandled/i);
}

test("what an agent sends with its key is taken, and nobody else's", async () => {
  const [taken, refused] = [{ json: {} }, { json: {}, apiKey: "wrong-0123456789abcdef" }];
  await until("the collector is ready", async () => (await callHttp(daemon, TRACES, taken)).status === 200);
  const answer = await callHttp(daemon, TRACES, refused);
  assert.deepEqual([answer.status, answer.json.code], [401, 16]);
});

test("uploads that are under way when the collector is killed are answered, and the daemon goes on", async () => {
  const sockets = [upload(ACME), upload(ACME), upload(OTHER)];
  await callHttp(daemon, TRACES, { json: {} }); // what was written before is under way by now
  process.kill(collectorPid(), "SIGKILL");
  for (const socket of sockets) {
    await until("it is told to come again", () => /^HTTP\/1\.1 503 [\s\S]*retry-after/.test(socket.text));
    socket.destroy();
  }
  await assertAlive();
  await until("it is taken again", async () => (await callHttp(daemon, TRACES, { json: {} })).status === 200);
});

test("clients that go away in the middle harm nobody", async () => {
  const sockets = Array.from({ length: 20 }, () => upload(ACME));
  await callHttp(daemon, TRACES, { json: {}, apiKey: OTHER });
  for (const socket of sockets) socket.destroy();
  await until("it is served", async () => (await callHttp(daemon, TRACES, { json: {} })).status === 200);
  await assertAlive();
});

test("an organisation with many slow uploads keeps no other from sending", async () => {
  const sockets = Array.from({ length: 100 }, () => upload(ACME));
  await until("its places are taken", () => sockets.some(({ text }) => text.startsWith("HTTP/1.1 429 ")));
  assert.equal((await callHttp(daemon, TRACES, { json: {}, apiKey: OTHER })).status, 200);
  for (const socket of sockets) socket.destroy();
});

test("one that goes on sending what is refused is cut off, and the daemon goes on", async () => {
  const body = Buffer.alloc(64 * 1024, "x");
  const call = { body, headers: { "content-type": "text/plain" } };
  await until("it is cut off", async () => (await callHttp(daemon, TRACES, call)).status === 503);
  await assertAlive();
});
