import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { until } from "@sandglass/testkit";
import { limitsSchema } from "../config/network-schema.ts";
import { createClientAddresses } from "./client-address.ts";
import { Listener } from "./listener.ts";

const STALL_MS = 1000;
/** More than the buffers of a connection hold. */
const LARGE = Buffer.alloc(50_000_000);
let listener: Listener;
let port: number;
before(async () => {
  listener = await Listener.listen("127.0.0.1", 0, {
    version: "0",
    limits: limitsSchema.parse({ readerStallMs: STALL_MS }),
    addresses: createClientAddresses([]),
    tls: undefined,
    onError: () => undefined,
  });
  port = Number(new URL(listener.baseUrl("127.0.0.1")).port);
  listener.serve(
    ({ url }, response) => {
      if (url === "/large") response.end(LARGE);
      if (url === "/small") response.end("small");
      if (url === "/late") setTimeout(() => response.end("late"), 2 * STALL_MS);
    },
    () => undefined,
  );
});
after(() => listener.close());

async function ask(path: string): Promise<{ client: Socket; server: Socket }> {
  const taken = once(listener.server, "connection");
  const client = connect(port, "127.0.0.1");
  client.on("error", () => undefined).write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  return { client, server: (await taken)[0] };
}

test("whoever takes nothing of an answer in one piece is cut off", async () => {
  const { client, server } = await ask("/large");
  await until("it is cut", () => server.destroyed);
  client.destroy();
});

test("whoever takes a large answer slowly, with pauses, gets all of it", async () => {
  const { client } = await ask("/large");
  let bytes = 0;
  client.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    client.pause();
    setTimeout(() => client.resume(), 1);
  });
  await until("all of it has come", () => bytes > LARGE.length);
  client.destroy();
});

test("whoever waits for an answer that is long in coming gets it", async () => {
  const { client } = await ask("/late");
  let text = "";
  client.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await until("it has come", () => text.includes("late"));
  client.destroy();
});

test("a connection that is kept for a next request is closed when none comes", async () => {
  listener.server.keepAliveTimeout = STALL_MS;
  const { client } = await ask("/small");
  client.resume();
  await once(client, "close");
});
