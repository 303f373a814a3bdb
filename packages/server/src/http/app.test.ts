import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { configSchema } from "../config/schema.ts";
import { Keyring } from "../keys.ts";
import { createApp } from "./app.ts";
import type { Handlers } from "./call.ts";
import { createClientAddresses } from "./client-address.ts";
import { Idempotency } from "./idempotency.ts";
import { KeyGate } from "./key-gate.ts";
import { Listener } from "./listener.ts";
import { createRequestGuard } from "./request-guard.ts";

const SECRET = "test-0123456789abcdef";

/** The HTTP layer over handlers of the test's own: what no working daemon can be made to do. */
async function serve(
  context: TestContext,
  handlers: Partial<Handlers>,
  stopping = new AbortController().signal,
) {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-app-"));
  const reported: unknown[] = [];
  const { limits, bodyLimits } = configSchema.parse({});
  const addresses = createClientAddresses([]);
  const listener = await Listener.listen("127.0.0.1", 0, {
    version: "1.0.0",
    limits,
    addresses,
    tls: undefined,
    onError: (error) => reported.push(error),
  });
  const idempotency = await Idempotency.open(dataDir, {}, (error) => reported.push(error));
  context.after(async () => {
    listener.close();
    await idempotency.close();
    await rm(dataDir, { recursive: true });
  });
  const keyring = await Keyring.open(dataDir, [{ name: "test", orgId: "default", secret: SECRET }]);
  const url = new URL(listener.baseUrl("127.0.0.1"));
  const start = async () => {
    const reportInternal = (error: unknown) => reported.push(error);
    const app = await createApp(listener.server, handlers as Handlers, createRequestGuard("127.0.0.1", []), {
      gate: new KeyGate(keyring, addresses, limits),
      idempotency,
      limits: { ...limits, ...bodyLimits },
      stopping,
      reportInternal,
    });
    listener.serve(app, () => undefined);
  };
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${SECRET}` };
    const outgoing = httpRequest({ host: url.hostname, port: url.port, path, headers }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return response;
  };
  return { start, get, reported };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}

test("an error that is none of the catalogue says nothing of itself, and is reported", async (context) => {
  const { start, get, reported } = await serve(context, {
    listSandboxes: () => {
      throw new TypeError("password hunter2");
    },
  });
  await start();
  const response = await get("/v1/sandboxes");
  const text = await textOf(response);
  assert.equal(response.statusCode, 500);
  assert.equal(JSON.parse(text).error.code, "INTERNAL");
  assert.ok(!text.includes("hunter2") && !text.includes("TypeError"));
  assert.match(String(reported[0]), /hunter2/);
});

test("a stream that fails half-way is broken off, so that it cannot pass for complete", async (context) => {
  const { start, get, reported } = await serve(context, {
    listEvents: () => ({
      async *lines() {
        yield '{"a":1}\n';
        await new Promise(setImmediate);
        throw new Error("lost");
      },
    }),
  });
  await start();
  const response = await get("/v1/events");
  assert.equal(response.statusCode, 200);
  await assert.rejects(textOf(response), { code: "ECONNRESET" });
  assert.equal(reported.length, 1);
});

test("a file that shrinks while it is sent is broken off too", async (context) => {
  const { start, get } = await serve(context, {
    readFile: () => ({
      sizeBytes: 100,
      content: (async function* () {
        yield Buffer.alloc(40);
      })(),
    }),
  });
  await start();
  // Before the head or behind it: either way there is no whole answer.
  await assert.rejects(async () => textOf(await get("/v1/sandboxes/x/files/a")), { code: "ECONNRESET" });
});

test("a file that grows while it is sent is cut at the length that was said", async (context) => {
  const { start, get } = await serve(context, {
    readFile: () => ({
      sizeBytes: 100,
      content: (async function* () {
        for (;;) yield Buffer.alloc(64, "x");
      })(),
    }),
  });
  await start();
  assert.equal(await textOf(await get("/v1/sandboxes/x/files/a")), "x".repeat(100));
});

test("once the daemon stops, work is refused and the connection closed, probes are answered", async (context) => {
  const health = () => ({ status: "stopping" });
  const { start, get } = await serve(
    context,
    { listSandboxes: () => ({ items: [] }), healthz: health },
    AbortSignal.abort(),
  );
  await start();
  const refused = await get("/v1/sandboxes");
  assert.deepEqual([refused.statusCode, refused.headers.connection], [503, "close"]);
  assert.equal(JSON.parse(await textOf(refused)).error.code, "SHUTTING_DOWN");
  assert.equal((await get("/healthz")).statusCode, 200);
});

test("before the daemon is ready probes are answered and other requests wait", async (context) => {
  const { start, get } = await serve(context, { listSandboxes: () => ({ items: [] }) });
  const early = get("/v1/sandboxes");
  const alive = await get("/healthz");
  assert.deepEqual([alive.statusCode, JSON.parse(await textOf(alive)).status], [200, "starting"]);
  assert.equal((await get("/readyz")).statusCode, 503);
  await start();
  assert.equal((await early).statusCode, 200);
});
