import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { call, HttpHarness } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

test("a server of any kind passes requests on with a tenant for each, and a base of its own", async () => {
  await using harness = new HttpHarness();
  await using server = await listening(
    createServer((request, response) => {
      const tenant = { ...tenantNamed(`org:${request.headers["x-key"]}`), origin: "host" as const };
      void harness.server.handle(request, response, tenant, (request.url ?? "").replace(/^\/otlp/, ""));
    }),
  );
  const body = spanBatch(2);
  for (const key of ["a", "b", "a"]) {
    // Who has a key may also be a page in a browser: that is for the server to judge.
    const headers = { "x-key": key, origin: "https://console.example.com" };
    assert.equal((await call(server.port, { path: "/otlp/v1/traces", headers, body })).status, 200);
  }
  assert.equal((await call(server.port, { path: "/otlp/v1/other", headers: { "x-key": "b" } })).status, 404);
  assert.deepEqual(
    harness.sink.requests.map(({ tenantId }) => tenantId),
    ["org:a", "org:b", "org:a"],
  );
  assert.equal(harness.intake.counts("org:a").spans, 4);
  assert.deepEqual(harness.intake.counts("org:b").refused, { unsupported: 1 });
});

async function listening(server: Server): Promise<AsyncDisposable & { port: number }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
