import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { DEFAULT_LIMITS } from "@sandglass/runtime";
import type { SocketHandle } from "@sandglass/runtime/drivers";
import { noTraces } from "../host-traces.ts";
import { until } from "../until.ts";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

/** What answers on a port inside: the text, or the name of the error. */
const ASK = `
import http.client, json, socket, sys
answers = []
for address, port in json.loads(sys.argv[1]):
    try:
        call = http.client.HTTPConnection(address, port, timeout=10)
        call.request("POST", "/v1/traces", body=b"from inside")
        answers.append(call.getresponse().read().decode())
    except OSError as error:
        answers.append(type(error).__name__)
print(json.dumps(answers))
`;

const ask = (sandbox: ContractSandbox, ...at: [address: string, port: number][]): Promise<string[]> =>
  sandbox.python<string[]>(ASK, JSON.stringify(at));

/** Sockets in a sandbox's network that the host serves. */
export function listeningContract(host: () => DriverUnderTest): void {
  describe("listening in a sandbox", () => {
    const servers: Server[] = [];
    /** Two that nobody on the host listens on, so that whoever answers is in a sandbox. */
    let first: number;
    let second: number;
    let one: ContractSandbox;
    let two: ContractSandbox;

    async function serve(server: Server, socket: SocketHandle | undefined): Promise<void> {
      servers.push(server);
      await once(server.listen(socket as object), "listening");
    }

    function answering(name: string): Server {
      return createHttpServer((request, response) => {
        let body = "";
        request.setEncoding("utf8").on("data", (text: string) => (body += text));
        request.on("end", () => response.end(`${name} got ${body}`));
      });
    }

    before(async () => {
      [first, second] = await Promise.all([freePort(), freePort()]);
      [one, two] = await Promise.all([
        ContractSandbox.create(host().driver),
        ContractSandbox.create(host().driver),
      ]);
      // At once: both in each, and all four on one channel.
      const [ofOne, ofTwo] = await Promise.all([
        one.driver.listen([first, second]),
        two.driver.listen([first, second]),
      ]);
      await Promise.all([
        serve(answering("one"), ofOne[0]),
        serve(answering("two"), ofTwo[0]),
        serve(answering("one, second"), ofOne[1]),
        serve(createHttp2Server((_, response) => response.end("two, second")) as unknown as Server, ofTwo[1]),
      ]);
    });
    after(async () => {
      await Promise.all([one.end(), two.end()]);
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    });

    test("a program inside reaches the host's server of its own sandbox on that port, and no other's", async () => {
      assert.deepEqual(await ask(one, ["127.0.0.1", first], ["127.0.0.1", second]), [
        "one got from inside",
        "one, second got from inside",
      ]);
      assert.deepEqual(await ask(two, ["127.0.0.1", first]), ["two got from inside"]);
    });

    test("a server of HTTP/2 answers as well", async () => {
      // The client's preface and empty settings; the first frame that comes back is the server's settings, type 4.
      const frame = await two.python<number>(`
import socket
s = socket.create_connection(("127.0.0.1", ${second}), 10)
s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
print(s.recv(9)[3])`);
      assert.equal(frame, 4);
    });

    test("it is on the loopback of the sandbox alone: the host has no such port, and no other address inside has", async () => {
      const refused = await new Promise<NodeJS.ErrnoException>((resolve, reject) => {
        const socket = connect(first, "127.0.0.1");
        socket.on("error", resolve);
        socket.on("connect", () => reject(new Error("the host listens on the sandbox's port")));
      });
      assert.equal(refused.code, "ECONNREFUSED");
      assert.deepEqual(await ask(one, ["127.0.0.2", first]), ["ConnectionRefusedError"]);
    });

    test("the network stays off: what the host itself serves is not reached", async () => {
      const own = answering("the host");
      await once(own.listen(0, "127.0.0.1"), "listening");
      const { port } = own.address() as AddressInfo;
      assert.deepEqual(await ask(one, ["127.0.0.1", port], ["192.0.2.1", first]), [
        "ConnectionRefusedError",
        "OSError",
      ]);
      own.close();
    });

    test("it may be asked for before the first process has begun, and then answers from that one's first moment", async () => {
      const id = newSandboxId();
      const sandbox = await host().driver.create({
        id,
        limits: { ...DEFAULT_LIMITS, diskMb: 32 },
        mounts: [],
      });
      const [socket] = await sandbox.listen([first]);
      await serve(answering("early"), socket);
      const early = await ContractSandbox.around(id, sandbox);
      assert.deepEqual(await ask(early, ["127.0.0.1", first]), ["early got from inside"]);
      await early.end();
    });

    test("a port that is taken inside is refused, and so is a sandbox that has ended", async () => {
      const sandbox = await ContractSandbox.create(host().driver);
      const taker = await sandbox.start([
        "python3",
        "-c",
        `import socket, time; s = socket.create_server(("127.0.0.1", ${second})); print(1, flush=True); time.sleep(1000)`,
      ]);
      await until("the port is taken", () => taker.stdout !== "");
      await assert.rejects(sandbox.driver.listen([first, second]), { code: "DRIVER_ERROR" });
      // Nothing is left of the first when there is no second.
      assert.deepEqual(await ask(sandbox, ["127.0.0.1", first]), ["ConnectionRefusedError"]);
      await sandbox.end();
      await assert.rejects(sandbox.driver.listen([first]), { code: "DRIVER_ERROR" });
      await noTraces(host().dataDir, sandbox.id);
    });

    test("a raw server serves it too, and closing it gives the port back", async () => {
      const sandbox = await ContractSandbox.create(host().driver);
      for (const text of ["first", "second"]) {
        const [socket] = await sandbox.driver.listen([first]);
        const raw = createServer((connection) => connection.resume().end(`HTTP/1.0 200 OK\r\n\r\n${text}`));
        await once(raw.listen(socket as object), "listening");
        assert.deepEqual(await ask(sandbox, ["127.0.0.1", first]), [text]);
        await new Promise((resolve) => raw.close(resolve));
        assert.deepEqual(await ask(sandbox, ["127.0.0.1", first]), ["ConnectionRefusedError"]);
      }
      await sandbox.end();
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
