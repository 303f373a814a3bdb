import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { CLIENT_PREFACE, recognisePreface } from "./grpc-preface.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { GrpcSender } from "./testing/grpc-sender.ts";
import { RawGrpcPeer } from "./testing/raw-grpc-peer.ts";
import { spanBatch } from "./testing/span-batch.ts";

test("what a connection speaks is decided as soon as it can be", () => {
  for (let length = 0; length < CLIENT_PREFACE.length; length++) {
    assert.equal(recognisePreface(CLIENT_PREFACE.subarray(0, length)), "incomplete");
  }
  assert.equal(recognisePreface(CLIENT_PREFACE), "http2");
  assert.equal(recognisePreface(Buffer.concat([CLIENT_PREFACE, Buffer.of(0)])), "http2");
  for (const text of ["GET /", "POST /v1/traces HTTP/1.1\r\n", "PRI /"]) {
    assert.equal(recognisePreface(Buffer.from(text)), "http1", text);
  }
  for (const text of ["P", "PO", "GET", "GET "])
    assert.equal(recognisePreface(Buffer.from(text)), "incomplete", text);
  for (const text of ["\x16\x03\x01", "\0", "get /", "PRI * HTTP/1.1", " ", "GETGETGETGETGETGETGETGETGET"]) {
    assert.equal(recognisePreface(Buffer.from(text)), "other", text);
  }
});

test("a client of HTTP/1 is told where it is, however its request comes", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: "POST",
    body: "x".repeat(1_000_000),
  });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /OTLP over gRPC/);
  await using peer = await RawGrpcPeer.connect(port);
  await peer.send(Buffer.from("G"));
  await until("it was looked at", () => harness.sockets.at(-1)!.bytesRead === 1);
  await peer.send(Buffer.from("ET / HTTP/1.1\r\n\r\n"));
  await peer.closed;
  assert.match(peer.received.toString(), /^HTTP\/1\.1 400 /);
});

test("a preface that comes byte by byte is one", async () => {
  await using harness = new GrpcHarness();
  const port = await harness.listen(tenantNamed("sbx_1"));
  await using peer = await RawGrpcPeer.connect(port);
  for (const [index, byte] of CLIENT_PREFACE.entries()) {
    await peer.send(Buffer.of(byte));
    await until("it was looked at", () => harness.sockets[0]!.bytesRead === index + 1);
  }
  await until("the server's settings come", () => peer.frames().length > 0);
});

test("garbage is cut off, and so is who says nothing; others are served", async () => {
  await using harness = new GrpcHarness({ prefaceMs: 50 });
  const tenant = tenantNamed("sbx_1", { connections: 4 });
  const port = await harness.listen(tenant);
  const hello = Buffer.from("16030100", "hex");
  for (const bytes of [hello, Buffer.alloc(100_000, 0xff), Buffer.from("SSH-2.0-x\r\n")]) {
    await using peer = await RawGrpcPeer.connect(port);
    void peer.send(bytes);
    await peer.closed;
    assert.equal(peer.received.length, 0);
  }
  await using silent = await RawGrpcPeer.connect(port);
  await using slow = await RawGrpcPeer.connect(port);
  await slow.send(CLIENT_PREFACE.subarray(0, 10));
  await Promise.all([silent.closed, slow.closed]);
  await using ended = await RawGrpcPeer.connect(port);
  ended.socket.end(CLIENT_PREFACE.subarray(0, 5));
  await ended.closed;
  await using sender = new GrpcSender(port);
  assert.equal((await sender.send("traces", spanBatch(1))).code, 0);
});
