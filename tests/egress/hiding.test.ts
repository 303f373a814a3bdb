import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, finished, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

/** What code inside needs to ask the proxy by hand. */
const ASK = `
import os, socket, sys, time
def ask(host, port=443, source=None):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if source: s.bind(source)
    s.connect(("127.0.0.1", 3128))
    s.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
    return s
def answer(s): return s.recv(4096).decode().split(" ")[1]
def wait(path):
    while not os.path.exists(path): time.sleep(0.01)
`;

describe("code that would hide where it went", () => {
  let host: TestRuntime;
  let server: Server;
  let port: number;
  let reached: string[] = [];
  let sandbox: SandboxHandle;
  before(async () => {
    server = createServer((request, response) => {
      reached.push(request.url ?? "");
      request.resume().on("end", () => response.end("reached"));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
    host = await startRuntime();
  });
  after(async () => {
    await host.close();
    server.close();
  });
  beforeEach(async () => {
    reached = [];
    const network = { egress: { allow: [`127.0.0.1:${port}`] } };
    sandbox = await host.runtime.create({ template: "python", network }, callContext(), { isTrusted: true });
  });

  const python = (code: string) => run(sandbox, { argv: ["python3", "-c", ASK + code] });
  const egress = () => host.events.ofType("network.egress", sandbox.id).map(({ data }) => data);
  const denied = () => host.events.ofType("network.denied", sandbox.id).map(({ data }) => data);
  const end = () => sandbox.terminate("user", callContext());

  test("behind refusals by the hundred: each keeps its name, and so does what was let out after them", async () => {
    const flood = await python(`
for i in range(170): answer(ask(f"junk{i}.example"))
s = ask("127.0.0.1", ${port})
assert answer(s) == "200"
s.sendall(b"POST /far HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: 1000000\\r\\n\\r\\n" + b"x" * 1000000)
print(s.makefile().read()[-7:])
for i in range(170, 190): answer(ask(f"junk{i}.example"))`);
    assert.match(flood.stdout, /reached/, flood.stderr);
    await end();
    assert.deepEqual(reached, ["/far"]);
    const [out, ...more] = egress();
    assert.deepEqual([out?.host, out?.port, out?.execId, more], ["127.0.0.1", port, flood.exec.id, []]);
    assert.ok((out?.bytesOut ?? 0) > 1_000_000);
    const names = Array.from({ length: 190 }, (_, at) => `junk${at}.example`);
    const told = denied().map((each) => [each.host, each.reason, each.execId, each.count ?? 1].join(" "));
    assert.deepEqual(
      told.toSorted(),
      names.map((name) => `${name} not_allowed ${flood.exec.id} 1`).toSorted(),
    );
  });

  test("behind more open files than are looked through: it is let out nowhere, and others are as before", async () => {
    const hoard = await sandbox.exec(
      {
        argv: [
          "python3",
          "-c",
          `${ASK}
for _ in range(8):
    if os.fork() == 0:
        try:
            while True: os.open("/dev/null", 0)
        except OSError: pass
        os.mkdir(f"/tmp/full-{os.getpid()}")
        time.sleep(600)
wait("/tmp/go")
if os.fork() == 0:
    print(answer(ask("127.0.0.1", ${port})), answer(ask("other.example")), flush=True)
    os.mkdir("/tmp/asked")
time.sleep(600)`,
        ],
      },
      callContext(),
    );
    await run(sandbox, {
      command: "until [ $(ls -d /tmp/full-* | wc -l) = 8 ]; do sleep 0.05; done; touch /tmp/go",
    });
    await run(sandbox, { command: "until [ -e /tmp/asked ]; do sleep 0.05; done" });
    const other = await python(`print(answer(ask("127.0.0.1", ${port})), answer(ask("third.example")))`);
    assert.equal(other.stdout, "200 403\n", other.stderr);
    await hoard.kill("SIGKILL", callContext());
    const { exit } = await finished(hoard);
    await end();
    assert.equal(exit.cause, "killed");
    assert.deepEqual(
      denied().map((each) => [each.host, each.reason, each.execId]),
      [
        ["127.0.0.1", "not_attributed", undefined],
        ["other.example", "not_allowed", undefined],
        ["third.example", "not_allowed", other.exec.id],
      ],
    );
    assert.deepEqual(
      egress().map((each) => [each.host, each.execId]),
      [["127.0.0.1", other.exec.id]],
    );
  });

  test("by ending before anybody has looked: what reaches anything has its exec", async () => {
    const gone = await python(`
for i in range(40):
    if os.fork() == 0:
        s = socket.create_connection(("127.0.0.1", 3128))
        s.sendall(f"POST http://127.0.0.1:${port}/{i} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n".encode())
        os._exit(0)
for i in range(40): os.wait()`);
    assert.equal(gone.exit.code, 0, gone.stderr);
    await until("all are told", () => {
      const told = [...egress(), ...denied()];
      return told.reduce((sum, { count = 1 }) => sum + count, 0) === 40;
    });
    await end();
    assert.deepEqual(new Set(denied().map(({ reason }) => reason)), new Set(["not_attributed"]));
    for (const each of egress()) assert.equal(each.execId, gone.exec.id);
    const letOut = egress().reduce((sum, { count = 1 }) => sum + count, 0);
    assert.ok(reached.length <= letOut, `${reached.length} of ${letOut}`);
  });

  test("by closing the direction it has no more use for: it is found all the same", async () => {
    const half = await python(`
s = ask("127.0.0.1", ${port})
s.shutdown(socket.SHUT_WR)
print(answer(s))`);
    assert.equal(half.stdout, "200\n", half.stderr);
    await end();
    assert.deepEqual(
      egress().map(({ execId }) => execId),
      [half.exec.id],
    );
  });

  test("behind another exec's connections from the same ports: to another address, they are others", async () => {
    const holder = await sandbox.exec(
      {
        argv: [
          "python3",
          "-c",
          `${ASK}
l = socket.create_server(("127.0.0.5", 3128))
held = []
for port in range(45000, 45016):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.connect(("127.0.0.5", 3128))
    held.append(s)
os.mkdir("/tmp/held")
time.sleep(600)`,
        ],
      },
      callContext(),
    );
    const asks = await python(`
wait("/tmp/held")
print({answer(ask("127.0.0.1", ${port}, ("127.0.0.1", source))) for source in range(45000, 45016)})`);
    assert.equal(asks.stdout, "{'200'}\n", asks.stderr);
    await holder.kill("SIGKILL", callContext());
    await holder.completed;
    await end();
    assert.deepEqual(new Set(egress().map(({ execId }) => execId)), new Set([asks.exec.id]));
    assert.equal(egress().length, 16);
  });
});
