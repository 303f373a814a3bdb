import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { makeCertificate, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";

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
async function shownName({ url }: TestDaemon): Promise<string> {
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
  await assert.rejects(client.sandboxes.list(), /self-signed certificate/);
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

test("plain HTTP, a handshake that never comes and broken ones leave it well", async () => {
  await using daemon = await serve("first.pem", "first.key");
  const { hostname, port } = new URL(daemon.url);
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "\0".repeat(1000)]) {
    const socket = connectPlain(Number(port), hostname).on("error", () => undefined);
    socket.end(text, "latin1").resume();
    await once(socket, "close");
  }
  assert.equal(await shownName(daemon), "first");
});
