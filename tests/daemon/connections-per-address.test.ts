import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const LIMIT = 3;
const ASK = "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
const open = new Set<Socket>();
let daemon: TestDaemon;
before(async () => {
  const limits = ["--limits-connections-per-address", `${LIMIT}`, "--trusted-proxies", "127.0.0.9"];
  daemon = await startDaemon({ args: ["--pool", "python=0", ...limits] });
});
after(() => {
  for (const socket of open) socket.destroy();
  return daemon.stop();
});

/** A connection from an address of this machine's loopback. */
async function from(localAddress: string): Promise<Socket> {
  const { port, hostname: host } = new URL(daemon.url);
  const socket = connect({ port: Number(port), host, localAddress }).on("error", () => undefined);
  open.add(socket);
  await once(socket, "connect");
  return socket;
}

/** What a new connection from there is answered. */
async function askedFrom(localAddress: string): Promise<string> {
  const socket = await from(localAddress);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  socket.write(ASK);
  await once(socket, "close");
  return text;
}

test("an address with all the connections it may have is told so, others are served, and so is it when one has gone", async () => {
  const held = await Promise.all(Array.from({ length: LIMIT }, () => from("127.0.0.2")));
  assert.match(
    await askedFrom("127.0.0.2"),
    /^HTTP\/1\.1 429 .*"CONNECTION_LIMIT_REACHED".*limits\.connectionsPerAddress/s,
  );
  assert.match(await askedFrom("127.0.0.3"), /^HTTP\/1\.1 200 /);
  held[0]?.destroy();
  await until("there is room again", async () => (await askedFrom("127.0.0.2")).startsWith("HTTP/1.1 200"));
});

test("a trusted proxy, behind which many are, has no such limit", async () => {
  await Promise.all(Array.from({ length: LIMIT * 3 }, () => from("127.0.0.9")));
  assert.match(await askedFrom("127.0.0.9"), /^HTTP\/1\.1 200 /);
});
