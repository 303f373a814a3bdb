import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { CLIENT_PREFACE } from "../otlp/receiver/grpc-preface.ts";
import { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import { tenantNamed } from "../otlp/receiver/testing/grpc-harness.ts";
import { GrpcSender } from "../otlp/receiver/testing/grpc-sender.ts";
import { call, HttpHarness, requestHead } from "../otlp/receiver/testing/http-harness.ts";
import { RawGrpcPeer } from "../otlp/receiver/testing/raw-grpc-peer.ts";
import { spanBatch } from "../otlp/receiver/testing/span-batch.ts";
import { serveHttpOrGrpc } from "./serve-http-or-grpc.ts";

/** A port for both, of a tenant that may have one connection. */
async function portForBoth(resources: AsyncDisposableStack) {
  const harness = resources.use(new HttpHarness());
  const { server: http, intake } = harness;
  const grpc = new OtlpGrpcServer({ intake });
  resources.defer(() => grpc.close(0));
  const tenant = tenantNamed("sbx_a", { connections: 1 });
  const listener = createServer((socket) => serveHttpOrGrpc(socket, tenant, { http, grpc, intake }));
  resources.defer(() => void listener.close());
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  /** Of it, as many are counted as there are. */
  const free = () =>
    until(
      "its one connection is free again",
      async () => (await call(port, {}).catch(() => undefined))?.status,
    );
  return { harness, grpc, port, free };
}

test("gRPC is served on the port of HTTP as well, one connection after the other of either", async () => {
  await using resources = new AsyncDisposableStack();
  const { harness, grpc, port, free } = await portForBoth(resources);
  for (const size of [1, 2000]) {
    const sender = new GrpcSender(port);
    assert.equal((await sender.send("traces", spanBatch(size))).code, 0);
    // It is counted once: a second is one too many, of whichever kind.
    await assert.rejects(call(port, { body: spanBatch(1) }));
    await sender[Symbol.asyncDispose]();
    await free();
    assert.equal((await call(port, { body: spanBatch(size) })).status, 200);
  }
  assert.deepEqual(
    harness.sink.requests.map(({ items }) => items).filter((items) => items > 0),
    [1, 1, 2000, 2000],
  );
  assert.deepEqual(harness.errors, []);
  await harness.server.drained("sbx_a");
  await grpc.drained("sbx_a");
});

test("what a connection speaks is found out however its first bytes come", async () => {
  await using resources = new AsyncDisposableStack();
  const { port, free } = await portForBoth(resources);
  {
    await using peer = await RawGrpcPeer.connect(port);
    for (const byte of CLIENT_PREFACE) await peer.send(Buffer.of(byte));
    await until("the server's settings come", () => peer.frames().length > 0);
  }
  await free();
  const body = spanBatch(3);
  const head = Buffer.from(requestHead(["Connection: close"], body.length));
  await using peer = await RawGrpcPeer.connect(port);
  for (const byte of head) await peer.send(Buffer.of(byte));
  // Its sender closes its half at once.
  peer.socket.end(body);
  await peer.closed;
  assert.match(peer.received.toString("latin1"), /^HTTP\/1\.1 200 OK\r\n/);
});

test("who leaves before that is known leaves nothing behind", async () => {
  await using resources = new AsyncDisposableStack();
  const { harness, port, free } = await portForBoth(resources);
  for (const leave of ["end", "resetAndDestroy"] as const) {
    for (const begin of ["", "P", "PR"]) {
      const peer = await RawGrpcPeer.connect(port);
      if (begin !== "") await peer.send(Buffer.from(begin));
      peer.socket[leave]();
      await peer.closed;
      await free();
    }
  }
  await harness.server.drained("sbx_a");
  assert.deepEqual(harness.errors, []);
});
