import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkUpstream } from "@sandglass/runtime";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";

const SECRET = "canary-4711";
const CREDENTIALS = `Basic ${Buffer.from(`agent:${SECRET}`).toString("base64")}`;
const asked: string[] = [];
let directory: string;
let upstream: Server;
let daemon: TestDaemon;
let client: Client;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-upstream-"));
  upstream = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers["proxy-authorization"]}`);
    response.end("by the proxy");
  });
  upstream.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"]}`);
    socket.on("error", () => undefined).end("HTTP/1.1 200 OK\r\n\r\nthrough a tunnel");
  });
  await new Promise<void>((resolve) => void upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const file = join(directory, "config.json");
  await writeFile(file, JSON.stringify({ egress: { upstreamProxy: { env: "COMPANY_PROXY" } } }));
  daemon = await startDaemon({
    args: ["--pool", "python=0"],
    env: { SANDGLASS_CONFIG: file, COMPANY_PROXY: `http://agent:${SECRET}@127.0.0.1:${port}` },
  });
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  client.close();
  await daemon.stop();
  upstream.close().closeAllConnections();
  await rm(directory, { recursive: true });
});

/** Prints what comes through a tunnel, and what the proxy says of another. */
const TUNNELS = `
import socket
for target in ["names.example:443", "other.example:443", "localhost:443", "10.0.0.1:443"]:
    s = socket.create_connection(("127.0.0.1", 3128))
    s.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
    s.shutdown(socket.SHUT_WR)
    text = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    print(text.split()[1], text.splitlines()[-1] if "tunnel" in text else "")
`;

test("names that nobody here can resolve are reached through the upstream proxy, decided on before, and its password is shown nowhere", async () => {
  await using sandbox = await client.sandboxes.create({
    template: "python",
    network: { egress: { allow: ["names.example", "localhost"] } },
  });
  const plain = await sandbox.commands.run(
    `python3 -c 'import urllib.request as r; print(r.urlopen("http://names.example/a?b").read().decode())'; env`,
  );
  assert.match(plain.stdout, /^by the proxy\n/, plain.stderr);
  const tunnels = await sandbox.commands.run(`python3 - <<'END'${TUNNELS}END`);
  assert.equal(tunnels.stdout, "200 through a tunnel\n403 \n403 \n403 \n", tunnels.stderr);
  assert.deepEqual(asked, [
    `http://names.example/a?b ${CREDENTIALS}`,
    `CONNECT names.example:443 ${CREDENTIALS}`,
  ]);

  const children = await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, "utf8");
  const pids = children.split(" ").filter(Boolean);
  assert.notEqual(pids.length, 0);
  const seen = [plain.stdout, daemon.logs(), await readFile(`/proc/${daemon.pid}/cmdline`, "latin1")];
  for (const pid of pids)
    for (const name of ["cmdline", "environ"]) seen.push(await readFile(`/proc/${pid}/${name}`, "latin1"));
  const events = await until("all are recorded", async () => {
    const { text } = await callHttp(daemon, `GET /v1/events?sandboxId=${sandbox.id}`);
    return jsonLines(text).filter(({ type }) => type.startsWith("network.")).length === 5 && text;
  });
  seen.push(events);
  for (const text of seen) assert.ok(!text.includes(SECRET) && !text.includes(CREDENTIALS));
});

test("doctor says which proxy it is and whether it answers, to the operator alone, and nothing of its password", async () => {
  const { port } = upstream.address() as AddressInfo;
  const through = `what sandboxes may reach is reached through the proxy 127.0.0.1:${port}, with credentials`;
  const report = await client.doctor();
  const found = report.checks.find(({ name }) => name === "egress");
  assert.deepEqual(found, { name: "egress", status: "ok", detail: through });
  const option = report.config.find((row) => row.option === "egress.upstreamProxy");
  assert.deepEqual(option, { option: "egress.upstreamProxy", value: "[set]", source: "file" });
  assert.ok(!JSON.stringify(report).includes(SECRET));
  const { key } = await client.keys.create("reader", { scopes: ["sandboxes:read"] });
  const reader = new Client({ baseUrl: daemon.url, apiKey: key });
  assert.ok(!(await reader.doctor()).checks.some(({ name }) => name === "egress"));
  await reader.close();

  const closed = createServer();
  await new Promise<void>((resolve) => void closed.listen(0, "127.0.0.1", resolve));
  const nobody = { host: "127.0.0.1", port: (closed.address() as AddressInfo).port };
  await new Promise((resolve) => closed.close(resolve));
  const check = await checkUpstream(nobody);
  assert.equal(check.status, "warn");
  assert.match(check.detail, /, without credentials, which does not take connections: ECONNREFUSED$/);
});

test("a URL that is no proxy's, and a variable that is not set, end the start with the option's name alone", async () => {
  for (const url of [`socks5://agent:${SECRET}@h:1`, `http://agent:${SECRET}@h/x`]) {
    const args = ["--pool", "python=0"];
    await assert.rejects(
      startDaemon({ args, env: { SANDGLASS_EGRESS_UPSTREAM_PROXY: url } }),
      (error: Error) => {
        assert.match(error.message, /egress\.upstreamProxy: an upstream proxy has to be http:\/\/host:port/);
        assert.ok(!error.message.includes(SECRET));
        return true;
      },
    );
  }
  const env = { SANDGLASS_CONFIG: join(directory, "config.json"), COMPANY_PROXY: undefined };
  await assert.rejects(startDaemon({ env }), /egress\.upstreamProxy: the variable COMPANY_PROXY is not set/);
});
