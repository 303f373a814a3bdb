import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { makeCertificate, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, Sandbox } from "sandglass";

const run = promisify(execFile);
let directory: string;
const at = (name: string): string => join(directory, name);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-tls-"));
  await Promise.all([makeCertificate(directory, "first"), makeCertificate(directory, "second")]);
});
after(() => rm(directory, { recursive: true }));

const flags = (cert: string, key: string): string[] => [
  ...["--tls-cert", at(cert), "--tls-key", at(key)],
  ...["--pool", "python=0"],
];
const serve = (cert: string, key: string): Promise<TestDaemon> => startDaemon({ args: flags(cert, key) });

/** The common name that the daemon shows to a new connection. */
async function shownName({ url }: Pick<TestDaemon, "url">): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

test("the SDK and the CLI speak to it where they trust its authority, and to no other", async (t) => {
  await using daemon = await serve("first.pem", "first.key");
  assert.match(daemon.url, /^https:/);
  const code = `import { Client } from "sandglass"; console.log((await new Client().sandboxes.list()).items.length)`;
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const trusting = { ...env, NODE_EXTRA_CA_CERTS: at("first.pem") };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { env: trusting });
  assert.equal(stdout.trim(), "0");
  const cli = await run("bin/sandglass", ["ps", "--json"], { env: trusting });
  assert.deepEqual(JSON.parse(cli.stdout), []);
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  t.after(() => client.close());
  await assert.rejects(client.sandboxes.list(), {
    message: /self-signed certificate/,
    hint: /SANDGLASS_CA_FILE/,
  });
});

test("an authority of one's own is given as a file, as text or by SANDGLASS_CA_FILE, to the SDKs and the command alike", async (t) => {
  await using daemon = await serve("first.pem", "first.key");
  const { url: baseUrl, apiKey } = daemon;
  const text = await readFile(at("first.pem"), "utf8");
  for (const trust of [{ caFile: at("first.pem") }, { ca: text }]) {
    const client = new Client({ baseUrl, apiKey, ...trust });
    t.after(() => client.close());
    assert.deepEqual((await client.sandboxes.list()).items, []);
    await assert.rejects(Sandbox.create({ baseUrl, apiKey, ...trust, template: "none" }), {
      code: "TEMPLATE_NOT_FOUND",
    });
  }
  const env = { ...process.env, SANDGLASS_URL: baseUrl, SANDGLASS_API_KEY: apiKey };
  const named = await run("bin/sandglass", ["ps", "--json", "--ca-file", at("first.pem")], { env });
  assert.deepEqual(JSON.parse(named.stdout), []);
  const told = await run("bin/sandglass", ["ps", "--json"], {
    env: { ...env, SANDGLASS_CA_FILE: at("first.pem") },
  });
  assert.deepEqual(JSON.parse(told.stdout), []);
  const other = new Client({ baseUrl, apiKey, caFile: at("second.pem") });
  t.after(() => other.close());
  await assert.rejects(other.sandboxes.list(), /not trusted/);
  for (const [caFile, why] of [
    [at("none.pem"), /cannot be read/],
    [at("first.key"), /no certificate/],
  ] as const)
    assert.throws(() => new Client({ baseUrl, apiKey, caFile }), { code: "INVALID_REQUEST", message: why });
});

test("a renewed certificate is in force after SIGHUP, and connections that are open go on", async (t) => {
  await copyFile(at("first.pem"), at("live.pem"));
  await copyFile(at("first.key"), at("live.key"));
  await using daemon = await serve("live.pem", "live.key");
  const { hostname, port } = new URL(daemon.url);
  const outgoing = request({
    ...{ hostname, port, path: "/v1/events?follow=true", rejectUnauthorized: false, agent: false },
    headers: { authorization: `Bearer ${daemon.apiKey}` },
  }).end();
  t.after(() => outgoing.destroy());
  const [stream] = await once(outgoing, "response");
  let lines = "";
  stream.setEncoding("utf8").on("data", (text: string) => (lines += text));
  assert.equal(await shownName(daemon), "first");

  await copyFile(at("second.pem"), at("live.pem"));
  process.kill(daemon.pid, "SIGHUP");
  await until("the pair that does not match is refused", () =>
    daemon.logs().includes("is not that of the certificate"),
  );
  assert.equal(await shownName(daemon), "first");
  await copyFile(at("second.key"), at("live.key"));
  process.kill(daemon.pid, "SIGHUP");
  await until("it is reloaded", () => daemon.logs().includes("configuration reloaded"));
  assert.equal(await shownName(daemon), "second");

  const before = lines.length;
  const again = request({
    ...{ hostname, port, path: "/v1/doctor", rejectUnauthorized: false, agent: false },
    headers: { authorization: `Bearer ${daemon.apiKey}` },
  }).end();
  await once(again, "response");
  await until("the stream from before goes on", () => lines.length > before);
});

test("the ports of OTLP show the daemon's certificate, the renewed one after SIGHUP, and the key is in no argument or variable", async () => {
  await copyFile(at("first.pem"), at("otlp.pem"));
  await copyFile(at("first.key"), at("otlp.key"));
  const args = [
    ...flags("otlp.pem", "otlp.key"),
    ...["--otlp-listen", "--otlp-port", "0", "--otlp-grpc-port", "0"],
  ];
  await using daemon = await startDaemon({ args });
  const ports = ["http", "grpc"].map((name) => {
    const [, address] = new RegExp(`otlp_${name}=(\\S+)`).exec(daemon.logs()) ?? [];
    return { url: `https://${address}` };
  });
  assert.deepEqual(await Promise.all(ports.map(shownName)), ["first", "first"]);
  await copyFile(at("second.pem"), at("otlp.pem"));
  await copyFile(at("second.key"), at("otlp.key"));
  process.kill(daemon.pid, "SIGHUP");
  await until("it is reloaded", () => daemon.logs().includes("configuration reloaded"));
  assert.deepEqual(await Promise.all(ports.map(shownName)), ["second", "second"]);
  const [, secret = ""] = (await readFile(at("second.key"), "utf8")).split("\n");
  const children = (await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, "utf8"))
    .split(" ")
    .filter(Boolean);
  assert.notEqual(children.length, 0);
  for (const pid of [daemon.pid, ...children]) {
    for (const file of ["cmdline", "environ"])
      assert.ok(!(await readFile(`/proc/${pid}/${file}`, "latin1")).includes(secret));
  }
  assert.ok(!daemon.logs().includes(secret));
});

test("a connection whose handshake never comes, or stops in the middle, is closed at every port", async () => {
  const args = [
    ...flags("first.pem", "first.key"),
    ...["--otlp-listen", "--otlp-port", "0", "--otlp-grpc-port", "0"],
  ];
  await using daemon = await startDaemon({ args });
  const addresses = [
    new URL(daemon.url).host,
    ...["http", "grpc"].map((name) => new RegExp(`otlp_${name}=(\\S+)`).exec(daemon.logs())?.[1] ?? ""),
  ];
  // The head of a record that says how much of a ClientHello is to come.
  const waiting = addresses.flatMap((address) =>
    ["", "\x16\x03\x01\x02\x00\x01"].map((text) => {
      const { hostname, port } = new URL(`http://${address}`);
      const socket = connectPlain(Number(port), hostname).on("error", () => undefined);
      if (text !== "") socket.write(text, "latin1");
      return once(socket.resume(), "close");
    }),
  );
  await Promise.all(waiting);
  assert.equal(await shownName(daemon), "first");
});

test("plain HTTP and broken handshakes leave it well", async () => {
  await using daemon = await serve("first.pem", "first.key");
  const { hostname, port } = new URL(daemon.url);
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "\0".repeat(1000)]) {
    const socket = connectPlain(Number(port), hostname).on("error", () => undefined);
    socket.end(text, "latin1").resume();
    await once(socket, "close");
  }
  assert.equal(await shownName(daemon), "first");
});
