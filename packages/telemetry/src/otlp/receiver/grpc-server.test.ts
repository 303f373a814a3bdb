import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "@sandglass/testkit";
import type { Signal } from "../model.ts";
import { decodeByOracle, encodeByOracle } from "../testing/oracle.ts";
import { grpcMessage } from "./testing/grpc-frames.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { http2Call } from "./testing/http2-call.ts";
import { spanBatch } from "./testing/span-batch.ts";

test("a call is answered when its request is kept, and not before", async () => {
  await using harness = new GrpcHarness();
  const tenant = tenantNamed("sbx_1");
  const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
  let isAsked = false;
  harness.sink.before = () => {
    isAsked = true;
    return kept;
  };
  await using sender = new GrpcSender(await harness.listen(tenant));
  let isAnswered = false;
  const call = sender.send("traces", spanBatch(3)).then((answer) => {
    isAnswered = true;
    return answer;
  });
  await until("the sink has it", () => isAsked);
  // Another call goes there and back meanwhile.
  assert.equal((await sender.call("/no.such/Method", Buffer.alloc(0))).code, 12);
  assert.equal(isAnswered, false);
  keep();
  const answer = await call;
  assert.equal(answer.code, 0);
  assert.deepEqual(answer.message, Buffer.alloc(0));
  const [request] = harness.sink.of(tenant);
  assert.equal(request?.items, 3);
  assert.match(JSON.stringify(decodeByOracle("traces", request.bytes)), /sandglass\.sandbox\.id.*sbx_1/);
  await until("nothing is in flight", () => harness.intake.heldBytes === 0);
});

const REQUESTS: Readonly<Record<Signal, unknown>> = {
  traces: { resourceSpans: [{ scopeSpans: [{ spans: [{ name: "a" }, { name: "b" }] }] }] },
  logs: { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "a" } }] }] }] },
  metrics: {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ name: "a", gauge: { dataPoints: [{ asInt: "1" }] } }] }] },
    ],
  },
};

test("each signal has its service, with gzip and without, and whose it is tells the connection", async () => {
  await using harness = new GrpcHarness();
  const tenants = [tenantNamed("sbx_1"), tenantNamed("sbx_2")];
  for (const tenant of tenants) {
    const port = await harness.listen(tenant);
    for (const gzip of [false, true]) {
      await using sender = new GrpcSender(port, gzip ? { "grpc.default_compression_algorithm": 2 } : {});
      for (const signal of ["traces", "logs", "metrics"] as const) {
        const answer = await sender.send(signal, encodeByOracle(signal, REQUESTS[signal]));
        assert.equal(answer.code, 0, answer.details);
      }
    }
    const kept = harness.sink.of(tenant);
    assert.deepEqual(
      kept.map(({ signal, items }) => [signal, items]),
      Array.from({ length: 2 }, () => [
        ["traces", 2],
        ["logs", 1],
        ["metrics", 1],
      ]).flat(),
    );
    for (const { signal, bytes } of kept) {
      assert.match(JSON.stringify(decodeByOracle(signal, bytes)), new RegExp(`"stringValue":"${tenant.id}"`));
    }
  }
});

test("an empty request is a yes, and nothing is kept", async () => {
  await using harness = new GrpcHarness();
  await using sender = new GrpcSender(await harness.listen(tenantNamed("sbx_1")));
  assert.equal((await sender.send("logs", Buffer.alloc(0))).code, 0);
  assert.deepEqual(harness.sink.requests, []);
});

test("large and many requests come over one connection unchanged, at once", async () => {
  await using harness = new GrpcHarness({ intake: { workMsPerSecond: 1e9 } });
  const tenant = tenantNamed("sbx_1", { itemsPerSecond: 1e9, bytesPerSecond: 1e9 });
  await using sender = new GrpcSender(await harness.listen(tenant));
  const sizes = [1, 10_000, 100, 3000, 1, 500, 2000, 20, 700, 5000];
  const answers = await Promise.all(sizes.map((size) => sender.send("traces", spanBatch(size))));
  assert.deepEqual(new Set(answers.map(({ code }) => code)), new Set([0]));
  const items = harness.sink.requests.map((request) => request.items);
  assert.deepEqual(
    items.toSorted((a, b) => a - b),
    sizes.toSorted((a, b) => a - b),
  );
});

test("what is not the method of a service is UNIMPLEMENTED", async () => {
  await using harness = new GrpcHarness();
  await using sender = new GrpcSender(await harness.listen(tenantNamed("sbx_1")));
  for (const path of [
    "/grpc.health.v1.Health/Check",
    "/",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Get",
  ]) {
    const { code, details } = await sender.call(path, spanBatch(1));
    assert.deepEqual([code, details], [12, "unknown method: this is a receiver of OTLP"]);
  }
});

test("what is no call of gRPC is answered as HTTP: 405 and 415", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const body = grpcMessage(spanBatch(1));
  const get = await http2Call(port, { ":method": "GET" }, Buffer.alloc(0));
  assert.deepEqual([get.headers[":status"], get.headers.allow], [405, "POST"]);
  assert.equal((await http2Call(port, { ":method": "HEAD" }, Buffer.alloc(0))).headers[":status"], 405);
  for (const type of [
    "application/json",
    "application/grpc-web",
    "application/grpc+json",
    "text/plain",
    "",
  ]) {
    const { headers } = await http2Call(port, { "content-type": type }, body);
    assert.equal(headers[":status"], 415, type);
  }
  for (const type of ["application/grpc+proto", "application/grpc; charset=utf-8", "APPLICATION/GRPC"]) {
    assert.equal((await http2Call(port, { "content-type": type }, body)).trailers["grpc-status"], "0", type);
  }
  assert.equal(harness.intake.counts("sbx_1").refused.unsupported, 7);
});

test("what breaks the framing of messages ends with the status that gRPC has for it", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const batch = spanBatch(2);
  const good = grpcMessage(batch);
  const gzip = { "grpc-encoding": "gzip" };
  const cases: [string, Record<string, string>, Buffer, string][] = [
    ["no message", {}, Buffer.alloc(0), "12"],
    ["two messages", {}, Buffer.concat([good, good]), "12"],
    ["a message that ends early", {}, good.subarray(0, -1), "13"],
    ["half a prefix", {}, good.subarray(0, 3), "13"],
    ["a flag that is none", {}, grpcMessage(batch, 7), "13"],
    ["compressed, with no encoding", {}, grpcMessage(gzipSync(batch), 1), "13"],
    ["compressed, as identity", { "grpc-encoding": "identity" }, grpcMessage(gzipSync(batch), 1), "13"],
    ["compressed by what is not known here", { "grpc-encoding": "zstd" }, grpcMessage(batch, 1), "12"],
    ["compressed, and is not", gzip, grpcMessage(batch, 1), "3"],
    ["compressed, and ends early", gzip, grpcMessage(gzipSync(batch).subarray(0, -9), 1), "3"],
    ["no protobuf", {}, grpcMessage(Buffer.from([0xff, 0xff, 0xff])), "3"],
    ["a timeout that is none", { "grpc-timeout": "soon" }, good, "13"],
  ];
  for (const [name, headers, body, status] of cases) {
    const answer = await http2Call(port, headers, body);
    assert.equal(answer.headers["grpc-status"], status, name);
    if (status === "12") assert.equal(answer.headers["grpc-accept-encoding"], "identity,gzip", name);
    assert.equal(answer.headers["grpc-status-details-bin"], undefined, name);
  }
  assert.deepEqual(harness.sink.requests, []);
  // An encoding matters only for what is marked as compressed.
  assert.equal((await http2Call(port, { "grpc-encoding": "zstd" }, good)).trailers["grpc-status"], "0");
  assert.equal(harness.intake.heldBytes, 0);
});
