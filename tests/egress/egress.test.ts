import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { NetworkOptions } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const context = callContext();
const NAMES = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "NO_PROXY",
  "no_proxy",
];
const SHOW: Record<string, string> = {
  python: `import os\nprint(*(os.environ.get(n, "-") for n in ${JSON.stringify(NAMES)}))`,
  javascript: `console.log(...${JSON.stringify(NAMES)}.map((n) => process.env[n] ?? "-"))`,
  bash: NAMES.map((name) => `printf '%s ' "\${${name}--}"`).join("; "),
};
/** Prints the proxy's status line for a CONNECT, from a socket that stays open until told. */
const ASK = (target: string) =>
  `import socket\ns = socket.create_connection(("127.0.0.1", 3128))\ns.sendall(b"CONNECT ${target} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")\nprint(s.recv(4096).decode().splitlines()[0])`;

describe("egress", () => {
  let host: TestRuntime;
  let server: Server;
  let port: number;
  before(async () => {
    server = createServer((request, response) => response.end(`reached ${request.url}`));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
    host = await startRuntime({
      templates: {
        python: { poolSize: 1, warm: ["python", "javascript", "bash"], memoryMb: 512 },
        open: { base: "bash", network: { egress: { allow: ["example.org", `127.0.0.1:${port}`] } } },
      },
      sampling: { intervalMs: 0, costRates: { cpuHourUsd: 0, memoryGbHourUsd: 0 } },
    });
    await host.runtime.ready();
  });
  after(async () => {
    await host.close();
    server.close();
  });

  const create = (
    network: NetworkOptions | undefined,
    template = "bash",
    isTrusted = true,
  ): Promise<SandboxHandle> =>
    host.runtime.create({ template, ...(network && { network }) }, callContext(), { isTrusted });
  const allowed = (): NetworkOptions => ({ egress: { allow: [`127.0.0.1:${port}`, `localhost:${port}`] } });
  const eventsOf = (id: string) => host.events.of(id).filter(({ type }) => type.startsWith("network."));

  test("is none where nothing is said: nothing listens, and nothing is told of a proxy", async () => {
    const sandbox = await create(undefined);
    assert.deepEqual(sandbox.info().network, {});
    assert.deepEqual(host.events.ofType("sandbox.created", sandbox.id)[0]?.data.network, {});
    const { stdout } = await run(sandbox, {
      command: "env | grep -i proxy; ls /proc/net/tcp; grep -c 0C38 /proc/net/tcp",
    });
    assert.equal(stdout, "/proc/net/tcp\n0\n");
    await sandbox.terminate("user", context);
  });

  test("lets out what is allowed, by name and by address, and says which exec it was, on a span below the exec's", async () => {
    const sandbox = await create(allowed());
    const first = await run(sandbox, {
      command: `curl -sS -x http://127.0.0.1:3128 --noproxy '' http://localhost:${port}/a`,
    });
    assert.equal(first.stdout, "reached /a", first.stderr);
    const second = await run(sandbox, {
      command: `curl -sS -p -x http://127.0.0.1:3128 --noproxy '' http://127.0.0.1:${port}/b`,
    });
    assert.equal(second.stdout, "reached /b", second.stderr);
    const third = await run(sandbox, { command: "curl -sS https://secret.example/path?token=1" });
    assert.match(third.stderr, /403/);
    await sandbox.terminate("user", context);
    const events = eventsOf(sandbox.id);
    const spanOf = (id: string) => host.events.ofExec(id).find(({ type }) => type === "exec.started")?.spanId;
    assert.deepEqual(
      // A connection is a span below the exec's; one that was refused is a moment in the exec's own.
      events.map(({ type, data, spanId, parentSpanId }) => {
        const { host: name, port: at, execId } = data as { host: string; port: number; execId: string };
        return [type, name, at, execId, type === "network.denied" ? spanId : parentSpanId];
      }),
      [
        ["network.egress", "localhost", port, first.exec.id, spanOf(first.exec.id)],
        ["network.egress", "127.0.0.1", port, second.exec.id, spanOf(second.exec.id)],
        ["network.denied", "secret.example", 443, third.exec.id, spanOf(third.exec.id)],
      ],
    );
    assert.doesNotMatch(JSON.stringify(events), /token|path/);
    const last = host.events.ofType("resource.sample", sandbox.id).at(-1)?.data;
    assert.deepEqual([last?.egressConnections, last?.egressDenied], [2, 1]);
    assert.ok((last?.egressBytesIn ?? 0) > 100 && (last?.egressBytesOut ?? 0) > 100);
  });

  test("is told to commands and to interpreters that were there before their owner, and what a caller says of it stays", async () => {
    const sandbox = await create(allowed(), "python");
    assert.equal(sandbox.info().source, "pool");
    const proxy = "http://127.0.0.1:3128";
    const direct = "localhost,127.0.0.1,::1";
    const expected = [...NAMES.map((name) => (/^no/i.test(name) ? direct : proxy))].join(" ");
    for (const [language, code] of Object.entries(SHOW)) {
      for (let again = 0; again < 2; again++) {
        const { stdout } = await run(sandbox, { code, language: language as "python" });
        assert.equal(stdout.trim(), expected, language);
      }
      const own = { HTTP_PROXY: "http://mine:1" };
      const { stdout } = await run(sandbox, { code, language: language as "python", env: own });
      assert.equal(stdout.trim(), expected.replace(proxy, own.HTTP_PROXY), language);
    }
    const { stdout } = await run(sandbox, { command: SHOW.bash as string });
    assert.equal(stdout.trim(), expected);
    await sandbox.terminate("user", context);
  });

  test("is attributed to the cell that asks, also on a connection of an earlier one, and to the exec that left a process behind", async () => {
    const sandbox = await create({ egress: {} }, "python");
    const cell = (code: string) => run(sandbox, { code, language: "python" });
    const get = (path: string) =>
      `c.request("GET", "http://${path}.example/"); print(c.getresponse().read() and "told")`;
    const open = await cell(
      `import http.client\nc = http.client.HTTPConnection("127.0.0.1", 3128)\n${get("one")}`,
    );
    const again = await cell(get("two"));
    const left = await run(sandbox, {
      command:
        `setsid sh -c 'while [ ! -e /tmp/go ]; do sleep 0.01; done; exec python3 -c '"'"'${ASK("three.example:443")}'"'"'; :' >/dev/null 2>&1 &`.replaceAll(
          '"127.0.0.1"',
          '"127.0.0.1"',
        ),
    });
    const other = await run(sandbox, { command: "touch /tmp/go" });
    const events = await until("all of it is told", () => {
      const told = host.events.ofType("network.denied", sandbox.id);
      return told.length === 3 ? told : undefined;
    });
    assert.equal(open.stdout + again.stdout, "told\ntold\n");
    assert.notEqual(other.exec.id, left.exec.id);
    assert.deepEqual(
      events.map(({ data }) => [data.host, data.execId]),
      [
        ["one.example", open.exec.id],
        ["two.example", again.exec.id],
        ["three.example", left.exec.id],
      ],
    );
    await sandbox.terminate("user", context);
  });

  test("is not attributed to whom the code inside names: neither by a port that another has too, nor by an IPv6 socket", async () => {
    const sandbox = await create({ egress: {} });
    const socketOf = (family: string, bound: string, to: string) =>
      `import socket, time, os\ns = socket.socket(socket.${family})\ns.bind((${bound}, 45000))\ns.connect((${to}, 3128))\n`;
    const held = `${socketOf("AF_INET", '"127.0.0.2"', '"127.0.0.1"')}open("/tmp/held", "w")\nwhile not os.path.exists("/tmp/done"): time.sleep(0.01)`;
    const holder = sandbox.exec({ argv: ["python3", "-c", held] }, callContext());
    await run(sandbox, { command: "while [ ! -e /tmp/held ]; do sleep 0.01; done" });
    const ask =
      's.sendall(b"CONNECT a.example:443 HTTP/1.1\\r\\nX-Exec-Id: exec_forged\\r\\n\\r\\n")\nprint(s.recv(99))';
    const plain = await run(sandbox, {
      argv: ["python3", "-c", socketOf("AF_INET", '"127.0.0.3"', '"127.0.0.1"') + ask],
    });
    const mapped = await run(sandbox, {
      argv: ["python3", "-c", socketOf("AF_INET6", '"::ffff:127.0.0.4"', '"::ffff:127.0.0.1"') + ask],
    });
    await run(sandbox, { command: "touch /tmp/done" });
    await (await holder).completed;
    const owners = host.events.ofType("network.denied", sandbox.id).map(({ data }) => data.execId);
    assert.deepEqual(owners, [plain.exec.id, mapped.exec.id], plain.stderr + mapped.stderr);
    await sandbox.terminate("user", context);
  });

  test("a flood of refusals is told together, with how many it stands for", async () => {
    const sandbox = await create({ egress: {} });
    const flood = `import socket\nfor i in range(120):\n  s = socket.create_connection(("127.0.0.1", 3128))\n  s.sendall(b"CONNECT f.example:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")\n  s.recv(99); s.close()`;
    await run(sandbox, { argv: ["python3", "-c", flood] });
    await sandbox.terminate("user", context);
    const denied = host.events.ofType("network.denied", sandbox.id).map(({ data }) => data);
    assert.equal(
      denied.reduce((total, { count = 1 }) => total + count, 0),
      120,
    );
    assert.ok(denied.length < 100, `${denied.length} events`);
    const types = host.events.of(sandbox.id).map(({ type }) => type);
    assert.equal(types.at(-1), "sandbox.terminated");
  });

  test("what is open when a sandbox ends is told before its end", async () => {
    const sandbox = await create(allowed());
    const hold = `${ASK(`127.0.0.1:${port}`)}\nopen("/tmp/open", "w")\nimport time\ntime.sleep(600)`;
    const exec = await sandbox.exec({ argv: ["python3", "-c", hold] }, callContext());
    await run(sandbox, { command: "while [ ! -e /tmp/open ]; do sleep 0.01; done" });
    await sandbox.terminate("user", context);
    const [event] = host.events.ofType("network.egress", sandbox.id);
    assert.deepEqual([event?.data.execId, event?.data.host], [exec.id, "127.0.0.1"]);
    assert.equal(host.events.of(sandbox.id).at(-1)?.type, "sandbox.terminated");
  });

  test("private addresses are the operator's to allow, in a request of theirs or in a template", async () => {
    for (const rule of [`127.0.0.1:${port}`, "10.0.0.0/8", "169.254.169.254", "[::1]:80"]) {
      await assert.rejects(create({ egress: { allow: [rule] } }, "bash", false), { code: "FORBIDDEN" }, rule);
    }
    await assert.rejects(create({ egress: { allow: ["http://x"] } }, "bash", false), {
      code: "INVALID_REQUEST",
    });
    const sandbox = await create(undefined, "open", false);
    const inForce = { egress: { allow: ["example.org", `127.0.0.1:${port}`] } };
    assert.deepEqual(sandbox.info().network, inForce);
    assert.deepEqual(host.events.ofType("sandbox.created", sandbox.id)[0]?.data.network, inForce);
    const { stdout } = await run(sandbox, {
      command: `curl -sS --noproxy '' -x http://127.0.0.1:3128 http://127.0.0.1:${port}/t`,
    });
    assert.equal(stdout, "reached /t");
    const named = await run(sandbox, {
      command: `curl -sS --noproxy '' -x http://127.0.0.1:3128 http://localhost:${port}/t`,
    });
    assert.match(named.stdout, /no rule/);
    await sandbox.terminate("user", context);
    const closed = await create({}, "open", false);
    assert.deepEqual(closed.info().network, {});
    await closed.terminate("user", context);
  });

  test("nothing goes around the proxy", async () => {
    const sandbox = await create({ egress: { default: "allow", allow: ["0.0.0.0/0:*", "*:*"] } });
    const direct = await run(sandbox, {
      command: `curl -sS --noproxy '*' -m 3 http://127.0.0.1:${port}/ http://1.1.1.1/; getent hosts example.org; echo $?`,
    });
    assert.equal(direct.stdout, "2\n");
    const through = (url: string) =>
      run(sandbox, {
        command: `curl -sS -o /dev/null -w '%{http_code}' --noproxy '' -x http://127.0.0.1:3128 ${url}`,
      });
    for (const host_ of [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "localhost",
      "169.254.169.254",
      "0.0.0.0",
    ])
      assert.equal((await through(`http://${host_}:${port}/`)).stdout, "403", host_);
    await sandbox.terminate("user", context);
  });
});
