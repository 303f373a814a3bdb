import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "@sandglass/testkit";
import { readExportResponse } from "../export-response.ts";
import { encodeByOracle } from "../testing/oracle.ts";
import { callHeaders, END_HEADERS, END_STREAM, FRAME, frame, grpcMessage } from "./testing/grpc-frames.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { http2Call } from "./testing/http2-call.ts";
import { RawGrpcPeer } from "./testing/raw-grpc-peer.ts";
import { spanBatch } from "./testing/span-batch.ts";

const NOTHING = Buffer.alloc(0);

test("what is to be tried again says when, in a RetryInfo that a real client finds", async () => {
  await using harness = new GrpcHarness();
  await using pooled = new GrpcSender(await harness.listen(tenantNamed("sbx_pool", {}, false)));
  const notReady = await pooled.send("traces", spanBatch(1));
  assert.deepEqual([notReady.code, notReady.retryDelayMs], [14, 1000]);

  await using fast = new GrpcSender(await harness.listen(tenantNamed("sbx_fast", { itemsPerSecond: 10 })));
  assert.equal((await fast.send("traces", spanBatch(40))).code, 0);
  const limited = await fast.send("traces", spanBatch(1));
  assert.equal(limited.code, 8);
  assert.ok(limited.retryDelayMs! > 1000 && limited.retryDelayMs! <= 2200, `${limited.retryDelayMs} ms`);

  await using full = new GrpcSender(await harness.listen(tenantNamed("sbx_full")));
  harness.sink.before = () => Promise.reject(new Error("the disk is full: /secret/path"));
  const unavailable = await full.send("traces", spanBatch(1));
  assert.deepEqual([unavailable.code, unavailable.retryDelayMs], [14, 1000]);
  assert.doesNotMatch(unavailable.details, /secret/);
  assert.equal(harness.faults.length, 1);
});

test("a client that tries again after RESOURCE_EXHAUSTED gets through when the time is over", async () => {
  let now = 0;
  await using harness = new GrpcHarness({ intake: { now: () => now } });
  const port = await harness.listen(tenantNamed("sbx_1", { itemsPerSecond: 10 }));
  await using sender = new GrpcSender(port, {
    "grpc.enable_retries": 1,
    "grpc.service_config": JSON.stringify({
      methodConfig: [
        {
          name: [{}],
          retryPolicy: {
            maxAttempts: 5,
            initialBackoff: "0.01s",
            maxBackoff: "0.01s",
            backoffMultiplier: 1,
            retryableStatusCodes: ["RESOURCE_EXHAUSTED"],
          },
        },
      ],
    }),
  });
  assert.equal((await sender.send("traces", spanBatch(40))).code, 0);
  const again = sender.send("traces", spanBatch(5));
  await until("it is refused", () => harness.intake.counts("sbx_1").refused.rate_limited);
  now += 5000;
  assert.equal((await again).code, 0);
  assert.deepEqual(
    harness.sink.requests.map(({ items }) => items),
    [40, 5],
  );
});

test("what is too large will be too large again: there is no RetryInfo", async () => {
  await using harness = new GrpcHarness({ intake: { maxRequestBytes: 10_000, maxInflatedBytes: 20_000 } });
  const port = await harness.listen(tenantNamed("sbx_1"));
  for (const options of [{}, { "grpc.default_compression_algorithm": 2 }]) {
    await using sender = new GrpcSender(port, options);
    const { code, retryDelayMs } = await sender.send("traces", spanBatch(1000));
    assert.deepEqual([code, retryDelayMs], [8, undefined]);
  }
  assert.equal(harness.intake.counts("sbx_1").refused.too_large, 2);
  assert.equal(harness.intake.heldBytes, 0);
});

test("a length beyond the limit is refused before any of the message has come", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const answer = await http2Call(port, {}, grpcMessage(NOTHING, 0, 0xffff_ffff), false);
  assert.equal(answer.headers["grpc-status"], "8");
  // The rest is asked not to be sent (RFC 9113, 8.1).
  assert.equal(answer.rstCode, 0);
  assert.equal(harness.intake.heldBytes, 0);
});

test("a body that inflates to far more than it may be is given up on the way", async () => {
  await using harness = new GrpcHarness({ intake: { maxInflatedBytes: 1024 * 1024 } });
  await using sender = new GrpcSender(await harness.listen(tenantNamed("sbx_1")));
  const port = await harness.listen(tenantNamed("sbx_2"));
  // 200 MiB, of as many members.
  const bomb = Buffer.concat(Array.from({ length: 200 }, () => gzipSync(Buffer.alloc(1024 * 1024))));
  const before = process.memoryUsage().rss;
  const answer = await http2Call(port, { "grpc-encoding": "gzip" }, grpcMessage(bomb, 1));
  assert.equal(answer.headers["grpc-status"], "8");
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes more`);
  assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
  assert.equal(harness.intake.heldBytes, 0);
});

test("what is announced is held in flight until the call is over, however it ends", async () => {
  await using harness = new GrpcHarness();
  const tenant = tenantNamed("sbx_1", { inFlightBytes: 1024 * 1024 });
  const port = await harness.listen(tenant);
  await using peer = await RawGrpcPeer.connect(port);
  peer.begin();
  const call = (streamId: number): Buffer[] => [
    frame(FRAME.HEADERS, END_HEADERS, streamId, callHeaders()),
    frame(FRAME.DATA, 0, streamId, grpcMessage(Buffer.alloc(100), 0, 700_000)),
  ];
  await peer.send(...call(1));
  await until("it is held", () => harness.intake.heldBytes > 700_000);
  await using sender = new GrpcSender(port);
  const second = await sender.send("traces", Buffer.alloc(600_000));
  assert.deepEqual([second.code, second.retryDelayMs], [8, 1000]);
  await peer.send(frame(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])));
  await until("it is given back after a reset", () => harness.intake.heldBytes === 0);
  await peer.send(...call(3), frame(FRAME.DATA, END_STREAM, 3));
  await until("a message that ends early is refused", () => harness.intake.counts("sbx_1").refused.malformed);
  assert.equal(harness.intake.heldBytes, 0);
  await peer.send(...call(5));
  await until("it is held", () => harness.intake.heldBytes > 700_000);
  peer.socket.destroy();
  await until("it is given back after the connection", () => harness.intake.heldBytes === 0);
  assert.deepEqual(harness.sink.requests, []);
});

test("a call's time is the client's to set, while it is sent and while it is kept", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const half = await http2Call(port, { "grpc-timeout": "30m" }, grpcMessage(NOTHING, 0, 100), false);
  assert.equal(half.headers["grpc-status"], "4");
  assert.equal(harness.intake.counts("sbx_1").refused.timed_out, 1);
  const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
  harness.sink.before = () => kept;
  const late = await http2Call(port, { "grpc-timeout": "30m" }, grpcMessage(spanBatch(1)));
  assert.equal(late.headers["grpc-status"], "4");
  keep();
  await until("it is kept all the same", () => harness.sink.requests.length === 1);
  assert.equal(harness.intake.heldBytes, 0);
});

test("a request that trickles is given up", async () => {
  await using harness = new GrpcHarness({ receiveMs: 50 });
  const port = await harness.listen(tenantNamed("sbx_1"));
  const answer = await http2Call(port, {}, grpcMessage(Buffer.alloc(10), 0, 1000), false);
  assert.equal(answer.headers["grpc-status"], "4");
  const headersOnly = await http2Call(port, {}, NOTHING, false);
  assert.equal(headersOnly.headers["grpc-status"], "4");
  assert.equal(harness.intake.counts("sbx_1").refused.timed_out, 2);
});

test("data points beyond a sender's streams are a partial success", async () => {
  await using harness = new GrpcHarness();
  await using sender = new GrpcSender(await harness.listen(tenantNamed("sbx_1", { metricStreams: 2 })));
  const metrics = ["a", "b", "c"].map((name) => ({ name, gauge: { dataPoints: [{ asInt: "1" }] } }));
  const body = encodeByOracle("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
  const { code, message } = await sender.send("metrics", body);
  assert.equal(code, 0);
  assert.equal(readExportResponse(message!)?.rejected, 1);
});

test("what a process had sent when it ended is taken, though it is not there to hear of it", async () => {
  await using harness = new GrpcHarness();
  const tenant = tenantNamed("sbx_1");
  const port = await harness.listen(tenant);
  const call = Buffer.concat([
    frame(FRAME.HEADERS, END_HEADERS, 1, callHeaders()),
    frame(FRAME.DATA, 0, 1, grpcMessage(spanBatch(50))),
  ]);
  const rounds = 40;
  for (let round = 0; round < rounds; round++) {
    const peer = await RawGrpcPeer.connect(port);
    // Answers that nobody reads make the kernel reset the connection.
    if (round % 2 === 0) peer.socket.pause();
    peer.begin();
    // The end of the request as well, or not yet.
    await peer.send(call, ...(round % 4 < 2 ? [frame(FRAME.DATA, END_STREAM, 1)] : []));
    if (round % 8 < 4) peer.socket.destroy();
    else peer.socket.resetAndDestroy();
    await once(peer.socket, "close");
  }
  await until("all of it is kept", () => harness.sink.of(tenant).length === rounds);
  await harness.server.drained(tenant.id);
  assert.equal(harness.intake.heldBytes, 0);
});
