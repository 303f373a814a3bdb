import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultyServer, selfSignedCertificate } from "@sandglass/testkit";
import { HttpSender } from "./http-sender.ts";
import { failureOf, sending } from "./testing/test-sender.ts";

const never = new AbortController().signal;
const body = Buffer.from("hello");

describe("an HTTP sender over TLS", () => {
  const certificate = selfSignedCertificate();

  test("trusts the authority that it is given, and says what is wrong without it", async () => {
    await using server = await FaultyServer.start(() => ({ status: 204 }), { tls: certificate });
    using trusting = sending({ tls: { ca: certificate.cert } });
    assert.equal((await trusting.post(new URL(server.url), body, {}, never)).status, 204);
    using careless = sending({ tls: { rejectUnauthorized: false } });
    assert.equal((await careless.post(new URL(server.url), body, {}, never)).status, 204);
    using strict = sending();
    assert.match(await failureOf(strict, server.url), /its certificate is self-signed/);
  });

  test("refuses a certificate for another host", async () => {
    const other = selfSignedCertificate("other.example");
    await using server = await FaultyServer.start(() => ({ status: 204 }), { tls: other });
    using sender = sending({ tls: { ca: other.cert } });
    assert.match(await failureOf(sender, server.url), /its certificate is for another host name/);
  });

  test("shows its own certificate where the server wants one", async () => {
    const client = selfSignedCertificate("client.example");
    const tls = { ...certificate, clientCa: client.cert };
    await using server = await FaultyServer.start(() => ({ status: 204 }), { tls });
    using known = sending({ tls: { ca: certificate.cert, ...client } });
    assert.equal((await known.post(new URL(server.url), body, {}, never)).status, 204);
    using unknown = sending({ tls: { ca: certificate.cert } });
    assert.match(await failureOf(unknown, server.url), /it wants a client certificate/);
  });

  test("says that a port does not speak TLS, or speaks it where it was not expected", async () => {
    await using plain = await FaultyServer.start(() => ({ status: 204 }));
    using sender = sending();
    assert.match(await failureOf(sender, plain.url.replace("http:", "https:")), /does the port speak TLS/);
    await using secure = await FaultyServer.start(() => ({ status: 204 }), { tls: certificate });
    assert.match(await failureOf(sender, secure.url.replace("https:", "http:")), /the connection was closed/);
  });

  test("cannot be made with PEM texts that are none", () => {
    assert.throws(() => new HttpSender({ tls: { ca: "no certificate" } }));
    assert.throws(() => new HttpSender({ tls: { cert: certificate.cert, key: "no key" } }));
  });
});
