import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { HandedSockets, NotYet } from "./handed-sockets.ts";

/** Says word for word what `native/listen.c` says to Node, and prints what Node answers. */
const SENDER = `
import array, os, socket, sys
channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
channel.setblocking(True)
count = int(sys.argv[1])
for at in range(count):
    listener = socket.create_server(("127.0.0.1", 0))
    message = '{"cmd":"NODE_HANDLE","type":"net.Native","msg":{"listen":%d,"at":%d}}\\n' % (listener.getsockname()[1], at)
    rights = array.array("i", [listener.fileno()])
    channel.sendmsg([message.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
said = b""
while said.count(b"\\n") < count:
    said += channel.recv(4096)
print(said.decode(), end="")
`;

interface Came {
  listen: number;
  at: number;
  handle: object;
}

async function handOver(count: number): Promise<{ came: Came[]; answers: string }> {
  const child = spawn("python3", ["-c", SENDER, String(count)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const came: Came[] = [];
  child.on("message", (message: Omit<Came, "handle">, handle) =>
    came.push({ ...message, handle: handle as object }),
  );
  const [answers] = await Promise.all([
    text(child.stdout as NonNullable<typeof child.stdout>),
    once(child, "exit"),
  ]);
  return { came, answers };
}

async function answerOf(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  return text(socket);
}

describe("a listening socket that a child hands to Node as a minder does", () => {
  const kinds: [name: string, make: () => Server][] = [
    ["an http.Server", () => createHttpServer((_, response) => response.end("served"))],
    ["a net.Server", () => createServer((socket) => socket.resume().end("served"))],
  ];
  for (const [name, make] of kinds) {
    test(`is taken, and ${name} serves it`, async () => {
      const { came, answers } = await handOver(1);
      assert.equal(answers, '{"cmd":"NODE_HANDLE_ACK"}\n');
      const [{ listen, handle } = { listen: 0, handle: {} }] = came;
      const server = make();
      await once(server.listen(handle), "listening");
      assert.equal((server.address() as AddressInfo).port, listen);
      assert.match(await answerOf(listen), /served$/);
      server.close();
    });
  }

  test("comes with its own message, also where many come at once", async () => {
    const { came } = await handOver(100);
    assert.deepEqual(
      came.map(({ at }) => at),
      Array.from({ length: 100 }, (_, at) => at),
    );
    for (const { listen, handle } of came) {
      const server = createServer();
      await once(server.listen(handle), "listening");
      assert.equal((server.address() as AddressInfo).port, listen);
      server.close();
    }
  });
});

describe("the sockets of a request", () => {
  /** A socket as far as its owner's duty goes. */
  const socket = (): { isClosed: boolean; close(): void } => ({
    isClosed: false,
    close() {
      this.isClosed = true;
    },
  });

  test("are its own, in order, whatever comes between", async () => {
    const sockets = new HandedSockets();
    const [one, two] = [sockets.expect(2), sockets.expect(1)];
    const [a, b, c] = [socket(), socket(), socket()];
    sockets.onMessage({ listen: one.number, at: 1 }, b);
    sockets.onMessage({ listen: two.number, at: 0 }, c);
    sockets.onMessage({ listen: one.number, at: 0 }, a);
    assert.deepEqual(await one.taken, [a, b]);
    assert.deepEqual(await two.taken, [c]);
  });

  test("are closed when the request fails, those that come behind too", async () => {
    const sockets = new HandedSockets();
    const { number, taken } = sockets.expect(2);
    const [early, late] = [socket(), socket()];
    sockets.onMessage({ listen: number, at: 1 }, early);
    sockets.onRefusal(`${number} never listen in the sandbox: Address already in use`);
    sockets.onMessage({ listen: number, at: 0 }, late);
    await assert.rejects(taken, {
      code: "DRIVER_ERROR",
      message: /listen in the sandbox: Address already in use/,
    });
    assert.ok(early.isClosed && late.isClosed);
  });

  test("that cannot be opened yet are told from those that never will", async () => {
    const sockets = new HandedSockets();
    const { number, taken } = sockets.expect(1);
    sockets.onRefusal(`${number} later find the sandbox's agent: Resource temporarily unavailable`);
    await assert.rejects(taken, NotYet);
  });

  test("do not come any more when their minder has gone, and another's do", async () => {
    const sockets = new HandedSockets();
    const [one, other] = [sockets.expect(1), sockets.expect(1)];
    sockets.refuse(one.number, new Error("gone"));
    await assert.rejects(one.taken, /gone/);
    const its = socket();
    sockets.onMessage({ listen: other.number, at: 0 }, its);
    assert.deepEqual(await other.taken, [its]);
  });
});
