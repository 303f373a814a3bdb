import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { FRAME, grpcMessage } from "./testing/grpc-frames.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { http2Call } from "./testing/http2-call.ts";
import { RawGrpcPeer } from "./testing/raw-grpc-peer.ts";
import { spanBatch } from "./testing/span-batch.ts";

test("a tenant has so many connections and no more, until one is closed", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1", { connections: 2 }));
  const first = await RawGrpcPeer.connect(port);
  await using second = await RawGrpcPeer.connect(port);
  await using third = await RawGrpcPeer.connect(port);
  await third.closed;
  assert.equal(harness.intake.counts("sbx_1").refused.connections, 1);
  second.begin();
  await until("the second is served", () => second.frames().length > 0);
  await first[Symbol.asyncDispose]();
  await until("the first is gone", () => harness.sockets[0]!.closed);
  await using sender = new GrpcSender(port);
  assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
});

test("an idle session is told to go, and its client comes back with the next call", async () => {
  await using harness = new GrpcHarness({ idleMs: 20 });
  const port = await harness.listen(tenantNamed("sbx_1"));
  await using sender = new GrpcSender(port);
  assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
  await until("its connection is closed", () => harness.sockets[0]!.closed);
  assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
  assert.equal(harness.sockets.length, 2);
  await using peer = await RawGrpcPeer.connect(port);
  peer.begin();
  await peer.closed;
  const goaway = peer.frames().find(({ type }) => type === FRAME.GOAWAY);
  assert.deepEqual(goaway?.payload.readUInt32BE(4), 0);
});

test("closing lets calls end that are under way, and takes no others", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  await using idle = await RawGrpcPeer.connect(port);
  idle.begin();
  await until("it is served", () => idle.frames().length > 0);
  const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
  let isAsked = false;
  harness.sink.before = () => {
    isAsked = true;
    return kept;
  };
  await using sender = new GrpcSender(port);
  const call = sender.send("traces", spanBatch(1));
  await until("the sink has it", () => isAsked);
  const closed = harness.server.close();
  await idle.closed;
  await using late = await RawGrpcPeer.connect(port);
  await late.closed;
  keep();
  assert.equal((await call).code, 0);
  await closed;
});

test("closing does not wait longer than it is told to for who does not go", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
  let isAsked = false;
  harness.sink.before = () => {
    isAsked = true;
    return kept;
  };
  await using sender = new GrpcSender(port);
  const call = sender.send("traces", spanBatch(1));
  await until("the sink has it", () => isAsked);
  await harness.server.close(20);
  assert.equal((await call).code, 14);
  keep();
  await harness.intake.settled("sbx_1");
  assert.equal(harness.sink.requests.length, 1);
});

test("where calls have to prove whose they are, each is its tenant's, and nobody's is UNAUTHENTICATED", async () => {
  await using harness = new GrpcHarness();
  const tenants = new Map(["org_1", "org_2"].map((id) => [`Bearer ${id}`, tenantNamed(id)]));
  const port = await harness.listen(async ({ authorization }) => {
    if (authorization === "Bearer broken") throw new Error("the daemon is away");
    return tenants.get(authorization ?? "");
  });
  const message = grpcMessage(spanBatch(2000));
  const answers = [];
  for (const authorization of ["Bearer org_1", "Bearer org_2", "Bearer x", "Bearer broken"]) {
    const { headers, trailers } = await http2Call(port, { authorization }, message);
    answers.push(trailers["grpc-status"] ?? headers["grpc-status"]);
  }
  answers.push((await http2Call(port, {}, message)).headers["grpc-status"]);
  assert.deepEqual(answers, ["0", "0", "16", "14", "16"]);
  assert.deepEqual(
    harness.sink.requests.map(({ tenantId }) => tenantId),
    ["org_1", "org_2"],
  );
});
