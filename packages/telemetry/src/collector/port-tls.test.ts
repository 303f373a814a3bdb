import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { makeCertificate, until } from "@sandglass/testkit";
import { temporaryDirectory } from "../log/testing/test-log.ts";
import type { PortIdentity } from "./messages.ts";
import { spanRequest } from "./testing/span-request.ts";
import { collectorPids, KEY, openTestCollector, type TestCollector } from "./testing/test-collector.ts";

async function identity(t: TestContext, name: string): Promise<PortIdentity> {
  const directory = temporaryDirectory(t);
  await makeCertificate(directory, name);
  const read = (file: string): Promise<Buffer> => readFile(join(directory, file));
  return { cert: await read(`${name}.pem`), key: await read(`${name}.key`) };
}

function serve(t: TestContext, tls: PortIdentity, limits = {}): Promise<TestCollector> {
  return openTestCollector(t, { listen: { host: "127.0.0.1", httpPort: 0, grpcPort: 0, tls }, limits });
}

function portOf({ collector }: TestCollector, transport: "http" | "grpc"): number {
  return Number(collector.listening?.[transport].split(":").at(-1));
}

/** The status of a span that is sent over HTTP by whoever trusts this certificate. */
async function sendByHttp(test: TestCollector, ca: Buffer, authorization = KEY): Promise<number> {
  const headers = { "content-type": "application/x-protobuf", authorization };
  const at = {
    host: "127.0.0.1",
    servername: "localhost",
    port: portOf(test, "http"),
    path: "/v1/traces",
    method: "POST",
  };
  const sent = request({ ...at, ca, headers, agent: false }).end(spanRequest("x"));
  const [answer] = await once(sent, "response");
  await answer.resume().toArray();
  return answer.statusCode;
}

/** The same over gRPC. @returns the code of gRPC */
async function sendByGrpc(test: TestCollector, ca: Buffer, authorization = KEY): Promise<number> {
  const client = new Client(`127.0.0.1:${portOf(test, "grpc")}`, credentials.createSsl(ca), {
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1,
  });
  const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  const same = (bytes: Buffer): Buffer => bytes;
  const { promise, resolve } = Promise.withResolvers<number>();
  client.makeUnaryRequest(path, same, same, spanRequest("x"), metadata, (error) => resolve(error?.code ?? 0));
  const code = await promise;
  client.close();
  return code;
}

async function shownName(port: number): Promise<string> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
  });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

test("over TLS the ports take spans of whoever trusts the certificate, by HTTP and by gRPC, with a key alone", async (t) => {
  const first = await identity(t, "first");
  const test = await serve(t, first);
  const wrong = "Bearer sg_other";
  assert.deepEqual(
    [await sendByHttp(test, first.cert), await sendByHttp(test, first.cert, wrong)],
    [200, 401],
  );
  assert.deepEqual([await sendByGrpc(test, first.cert), await sendByGrpc(test, first.cert, wrong)], [0, 16]);
  const other = await identity(t, "other");
  await assert.rejects(sendByHttp(test, other.cert), /self-signed|unable to verify/);
  assert.equal(await sendByGrpc(test, other.cert), 14);
});

test("plain connections are told nothing there, and those without a handshake are bounded and given up", async (t) => {
  const first = await identity(t, "first");
  const test = await serve(t, first);
  for (const port of [portOf(test, "http"), portOf(test, "grpc")]) {
    const socket = connectPlain(port, "127.0.0.1").on("error", () => undefined);
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    socket.write(`POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: ${KEY}\r\ncontent-length: 0\r\n\r\n`);
    await once(socket, "close");
    assert.doesNotMatch(text, /HTTP/);
  }
  const silent = new Set(
    Array.from({ length: 140 }, (_, index) => {
      const port = portOf(test, index % 2 === 0 ? "http" : "grpc");
      return connectPlain(port, "127.0.0.1")
        .on("error", () => undefined)
        .resume();
    }),
  );
  t.after(() => silent.forEach((socket) => void socket.destroy()));
  for (const socket of silent) socket.once("close", () => silent.delete(socket));
  await until("those beyond 128 are closed", () => silent.size === 128);
  await until("the others are given up", () => silent.size === 0);
  assert.equal(await sendByHttp(test, first.cert), 200);
});

test("connections of an organisation are counted over TLS too, until they close", async (t) => {
  const first = await identity(t, "first");
  const test = await serve(t, first, { connections: 1 });
  for (let round = 0; round < 3; round++) {
    await until("the one before is over", async () => (await sendByHttp(test, first.cert)) === 200);
    await until("and this one", async () => (await sendByGrpc(test, first.cert)) === 0);
  }
});

test("a renewed certificate is shown to new connections, also by a process that comes in place of the first", async (t) => {
  const [first, second] = [await identity(t, "first"), await identity(t, "second")];
  const test = await serve(t, first);
  const ports = [portOf(test, "http"), portOf(test, "grpc")];
  assert.deepEqual(await Promise.all(ports.map(shownName)), ["first", "first"]);
  await test.collector.renew(second);
  assert.deepEqual(await Promise.all(ports.map(shownName)), ["second", "second"]);
  const [pid = 0] = collectorPids();
  process.kill(pid, "SIGKILL");
  await until(
    "there is another",
    () => test.collector.snapshot().restarts === 1 && test.collector.snapshot().isUp,
  );
  assert.deepEqual(await Promise.all(ports.map(shownName)), ["second", "second"]);
  assert.equal(await sendByGrpc(test, second.cert), 0);
});
