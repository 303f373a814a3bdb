import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import dns from "node:dns";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { FaultyServer, until } from "@sandglass/testkit";
import { HttpSender } from "./http-sender.ts";
import { failureOf, sending } from "./testing/test-sender.ts";

const never = new AbortController().signal;
const body = Buffer.from("hello");

describe("an HTTP sender", () => {
  test("posts the body with its headers and length, and returns status, headers and body of the answer", async () => {
    await using server = await FaultyServer.start(() => ({
      status: 207,
      headers: { "x-some": "thing" },
      body: "answer",
    }));
    using sender = sending();
    const answer = await sender.post(new URL(`${server.url}/a?b=c`), body, { "x-mine": "yes" }, never);
    assert.equal(answer.status, 207);
    assert.equal(answer.headers["x-some"], "thing");
    assert.equal(answer.body.toString(), "answer");
    assert.equal(server.lastRequest?.method, "POST");
    assert.equal(server.lastRequest.path, "/a?b=c");
    assert.equal(server.lastRequest.headers["x-mine"], "yes");
    assert.equal(server.lastRequest.headers["content-length"], "5");
    assert.equal(server.lastRequest.body.toString(), "hello");
  });

  test("keeps its connection for the next request", async () => {
    await using server = await FaultyServer.start(() => ({ status: 204 }));
    using sender = sending();
    for (let i = 0; i < 3; i++) await sender.post(new URL(server.url), body, {}, never);
    assert.equal(server.connections, 1);
  });

  test("opens no more connections than it may", async () => {
    await using server = await FaultyServer.start(() => ({ status: 204 }));
    server.fault = { delayMs: 5 };
    using sender = sending({ maxSockets: 2 });
    await Promise.all(Array.from({ length: 8 }, () => sender.post(new URL(server.url), body, {}, never)));
    assert.equal(server.connections, 2);
  });

  test("closes a connection that nothing was sent over for a while", async () => {
    await using server = await FaultyServer.start(() => ({ status: 204 }));
    using sender = sending({ idleTimeoutMs: 30 });
    await sender.post(new URL(server.url), body, {}, never);
    await until("it is closed", () => server.openConnections === 0);
    await sender.post(new URL(server.url), body, {}, never);
    assert.equal(server.connections, 2);
  });

  test("does not follow a redirect", async () => {
    await using server = await FaultyServer.start(() => ({
      status: 307,
      headers: { location: "/elsewhere" },
    }));
    using sender = sending();
    assert.equal((await sender.post(new URL(server.url), body, {}, never)).status, 307);
    assert.equal(server.requests, 1);
  });

  test("rejects when the connection is reset before, within and after the request", async () => {
    await using server = await FaultyServer.start(() => ({ status: 200, body: "a whole answer" }));
    using sender = sending();
    for (const fault of [{ resetBeforeBody: true }, { resetBeforeAnswer: true }, { resetMidBody: true }]) {
      server.fault = fault;
      await assert.rejects(
        sender.post(new URL(server.url), body, {}, never),
        ({ code }: NodeJS.ErrnoException) => code === "ECONNRESET" || code === "EPIPE",
      );
    }
    server.fault = undefined;
    assert.equal((await sender.post(new URL(server.url), body, {}, never)).status, 200);
  });

  test("rejects when the connection ends politely in the middle of an answer", async (t) => {
    const url = await tcpServer(t, (socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"));
    });
    using sender = sending();
    await assert.rejects(sender.post(url, body, {}, never), { code: "ECONNRESET" });
  });

  test("rejects an answer that is no HTTP", async (t) => {
    const url = await tcpServer(t, (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    using sender = sending();
    assert.match(await failureOf(sender, url.href), /what came is not HTTP/);
  });

  test("gives up at once when the signal fires before the answer", async () => {
    await using server = await FaultyServer.start(() => ({ status: 200 }));
    server.fault = { hang: true };
    using sender = sending();
    const controller = new AbortController();
    const sent = sender.post(new URL(server.url), body, {}, controller.signal);
    await until("the request is there", () => server.lastRequest);
    controller.abort(new Error("enough"));
    await assert.rejects(sent, /enough/);
    await until("the connection is gone", () => server.openConnections === 0);
    await assert.rejects(sender.post(new URL(server.url), body, {}, controller.signal), /enough/);
    assert.equal(server.requests, 1);
  });

  test("gives up at once when the signal fires within a body that drips", async () => {
    await using server = await FaultyServer.start(() => ({ status: 200, body: "a whole answer" }));
    server.fault = { dripMs: 60_000 };
    using sender = sending();
    const controller = new AbortController();
    const head = Promise.withResolvers<unknown>();
    subscribe("http.client.response.finish", head.resolve);
    const sent = sender.post(new URL(server.url), body, {}, controller.signal);
    await head.promise;
    unsubscribe("http.client.response.finish", head.resolve);
    controller.abort(new Error("enough"));
    await assert.rejects(sent, /enough/);
    await until("the connection is gone", () => server.openConnections === 0);
  });

  test("gives up at once when the signal fires while it is still connecting", async (t) => {
    const sockets: Socket[] = [];
    const url = await tcpServer(t, (socket) => {
      sockets.push(socket.resume());
    });
    url.protocol = "https:";
    using sender = sending();
    const controller = new AbortController();
    // A server that says nothing never agrees on TLS.
    const sent = sender.post(url, body, {}, controller.signal);
    await until("it connects", () => sockets.length > 0);
    controller.abort(new Error("enough"));
    await assert.rejects(sent, /enough/);
    await until("the connection is gone", () => sockets[0]?.destroyed);
  });

  test("keeps the start of a long answer, and does not read one without end", async (t) => {
    await using server = await FaultyServer.start(() => ({ status: 200, body: Buffer.alloc(300_000, "a") }));
    using sender = sending();
    assert.equal((await sender.post(new URL(server.url), body, {}, never)).body.length, 64 * 1024);
    using generous = sending({ maxAnswerBytes: 250_000 });
    assert.equal((await generous.post(new URL(server.url), body, {}, never)).body.length, 250_000);

    const url = await tcpServer(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = () => socket.writable && socket.write(Buffer.alloc(65_536, "b"), more);
      more();
    });
    const answer = await sender.post(url, body, {}, never);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 64 * 1024);
  });

  test("takes the answer to a body that the server did not want to read to its end", async (t) => {
    const url = await tcpServer(t, (socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
      });
    });
    using sender = sending({ maxSockets: 1 });
    for (let i = 0; i < 2; i++) {
      const large = Buffer.alloc(64 * 1024 * 1024);
      const answer = await sender.post(url, large, {}, never);
      assert.equal(answer.status, 413);
    }
  });

  test("refuses a URL with credentials in it, and everything once it is closed", async () => {
    const sender = new HttpSender();
    await assert.rejects(sender.post(new URL("http://u:p@127.0.0.1:1"), body, {}, never), /credentials/);
    sender.close();
    await assert.rejects(sender.post(new URL("http://127.0.0.1:1"), body, {}, never), /closed/);
  });

  test("fails what is under way when it is closed", async () => {
    await using server = await FaultyServer.start(() => ({ status: 200 }));
    server.fault = { hang: true };
    const sender = new HttpSender();
    const sent = assert.rejects(sender.post(new URL(server.url), body, {}, never), { code: "ECONNRESET" });
    await until("the request is there", () => server.lastRequest);
    sender.close();
    await sent;
  });

  test("refuses what leads to an address that is not public, by number and by name", async () => {
    await using server = await FaultyServer.start(() => ({ status: 200 }));
    using sender = sending({ publicOnly: true });
    for (const host of ["127.0.0.1", "[::1]", "localhost", "2130706433", "[::ffff:127.0.0.1]"]) {
      await assert.rejects(sender.post(new URL(`http://${host}:${server.port}`), body, {}, never), {
        code: "ERR_ADDRESS_NOT_PUBLIC",
      });
    }
    assert.equal(server.connections, 0);
  });

  test("refuses a name that leads inside, also one that led elsewhere before", async (t) => {
    await using server = await FaultyServer.start(() => ({ status: 200 }));
    using sender = sending({ publicOnly: true });
    // A hostile DNS is what cannot be had here. TEST-NET-1 stands for nowhere, 8.8.8.8 for somewhere public.
    const answers = [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["192.0.2.1"], []];
    const lookup = t.mock.method(dns, "lookup", ((_host: string, _options: object, done: LookupDone) =>
      done(
        null,
        (answers.shift() ?? []).map((address) => ({ address, family: 4 })),
      )) as typeof dns.lookup);
    for (const asked of [1, 2, 3, 4]) {
      const url = new URL(`http://rebinding.example:${server.port}`);
      await assert.rejects(sender.post(url, body, {}, never), { code: "ERR_ADDRESS_NOT_PUBLIC" });
      assert.equal(lookup.mock.callCount(), asked);
    }
    assert.equal(server.connections, 0);
  });
});

type LookupDone = (error: Error | null, addresses: { address: string; family: number }[]) => void;

/** What speaks no HTTP that a server would. */
async function tcpServer(
  t: { after(done: () => void): void },
  serve: (socket: Socket) => void,
): Promise<URL> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
