import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyServer, selfSignedCertificate } from "@sandglass/testkit";
import { verifyReachable } from "./verify-reachable.ts";

const never = new AbortController().signal;

test("a host that takes connections is reachable, and is sent nothing", async () => {
  await using server = await FaultyServer.start(() => ({ status: 500 }));
  await verifyReachable(new URL(server.url), server.url, {}, never);
  assert.equal(server.requests, 0);
});

test("a host that speaks TLS is reachable where its certificate is trusted", async () => {
  const certificate = selfSignedCertificate();
  await using server = await FaultyServer.start(() => ({ status: 500 }), { tls: certificate });
  await verifyReachable(new URL(server.url), server.url, { tls: { ca: certificate.cert } }, never);
  const byAddress = new URL(`https://127.0.0.1:${server.port}`);
  await verifyReachable(byAddress, server.url, { tls: { ca: certificate.cert } }, never);
  await assert.rejects(verifyReachable(new URL(server.url), "the host", {}, never), {
    message: "no answer from the host: its certificate is self-signed",
  });
});

test("a host that is down, unknown, or not public is said to be so", async () => {
  await using server = await FaultyServer.start(() => ({ status: 500 }));
  await server.down();
  const verify = (url: string, publicOnly = false) =>
    verifyReachable(new URL(url), url, { publicOnly }, never);
  await assert.rejects(verify(server.url), /the connection was refused/);
  await assert.rejects(verify("http://no-such-host.invalid"), /DNS/);
  await server.up();
  await assert.rejects(verify(server.url, true), /loopback/);
  await assert.rejects(verify(server.url.replace("127.0.0.1", "localhost"), true), /loopback/);
  assert.equal(server.connections, 0);
});

test("nobody waits for a host longer than the signal says", async () => {
  const url = new URL("http://127.0.0.1:1");
  await assert.rejects(verifyReachable(url, "the host", {}, AbortSignal.abort()), /gave up waiting/);
});
