import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "@sandglass/testkit";
import { sendSpan, spanRequest } from "./testing/span-request.ts";
import { KEY, openTestCollector, type TestCollector } from "./testing/test-collector.ts";

const LISTEN = { host: "127.0.0.1", httpPort: 0, grpcPort: 0 };

function portOf({ collector }: TestCollector, transport: "http" | "grpc"): number {
  return Number(collector.listening?.[transport].split(":").at(-1));
}

/** Connections that say nothing; those that the other side closes leave the set. */
async function silentConnections(t: TestContext, port: number, count: number): Promise<Set<Socket>> {
  const open = new Set<Socket>();
  t.after(() => {
    for (const socket of open) socket.destroy();
  });
  const connected = Array.from({ length: count }, () => {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    open.add(socket);
    socket.once("close", () => open.delete(socket)).resume();
    return Promise.race([once(socket, "connect"), once(socket, "close")]);
  });
  await Promise.all(connected);
  return open;
}

test("connections without a key are bounded by address over both ports, and given up soon where nothing comes", async (t) => {
  const test = await openTestCollector(t, { listen: LISTEN });
  const http = await silentConnections(t, portOf(test, "http"), 140);
  await until("those beyond 128 are closed", () => http.size === 128);
  const grpc = await silentConnections(t, portOf(test, "grpc"), 5);
  await until("so are those of the other port", () => grpc.size === 0);
  await until("silent ones are given up", () => http.size === 0);
  const url = `http://${test.collector.listening?.http}`;
  assert.equal(await sendSpan(url, spanRequest("x"), { authorization: KEY }), 200);
});

test("an organisation has so many connections, over which it may send as often as it likes", async (t) => {
  const test = await openTestCollector(t, { listen: LISTEN, limits: { connections: 2 } });
  const agents = Array.from({ length: 3 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  t.after(() => {
    for (const agent of agents) agent.destroy();
  });
  const statusOver = async (agent: Agent | undefined): Promise<number> => {
    const headers = { "content-type": "application/x-protobuf", authorization: KEY };
    const [path, method] = ["/v1/traces", "POST"];
    const sent = request({ host: "127.0.0.1", port: portOf(test, "http"), path, method, headers, agent });
    sent.end(spanRequest("x"));
    const [answer] = await once(sent, "response");
    await answer.resume().toArray();
    return answer.statusCode;
  };
  const [first, second, third] = agents;
  for (const agent of [first, second, first, second, first]) assert.equal(await statusOver(agent), 200);
  assert.equal(await statusOver(third), 429);
  first?.destroy();
  await until("there is room again", async () => (await statusOver(third)) === 200);
});

test("a port that is taken is told with the option to change, and nothing stays open", async (t) => {
  const other = createServer();
  await once(other.listen(0, "127.0.0.1"), "listening");
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  await assert.rejects(
    openTestCollector(t, { listen: { ...LISTEN, grpcPort: port } }),
    new RegExp(`port ${port} of 127\\.0\\.0\\.1: another program listens there; set otlpGrpcPort`),
  );
  await assert.rejects(
    openTestCollector(t, { listen: { ...LISTEN, httpPort: port } }),
    new RegExp(`port ${port} .*set otlpPort`),
  );
});
