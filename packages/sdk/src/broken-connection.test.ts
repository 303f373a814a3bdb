import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startDaemon } from "@sandglass/testkit";
import { Client } from "./client.ts";
import { CuttingProxy } from "./cutting-proxy.ts";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

test("megabytes of output arrive whole although the connection is cut again and again", async () => {
  await using daemon = await startDaemon();
  await using proxy = await CuttingProxy.start(daemon.url);
  const client = new Client({ baseUrl: proxy.url, apiKey: daemon.apiKey });
  await using sandbox = await client.createSandbox("python");
  proxy.cutAfterBytes = 700_000;
  const program = "import sys\nfor n in range(400000): sys.stdout.write(f'{n:012d}\\n')";
  const result = await sandbox.commands.run(["python3", "-c", program]);
  proxy.cutAfterBytes = 0;
  const expected = Array.from({ length: 400_000 }, (_, n) => `${String(n).padStart(12, "0")}\n`).join("");
  assert.equal(result.cause, "exited");
  assert.equal(result.stdout.length, expected.length);
  assert.equal(sha256(result.stdout), sha256(expected));
  assert.ok(proxy.cuts >= 3, `${proxy.cuts} cuts`);
});

test("the record is followed through cuts, every event once", async () => {
  await using daemon = await startDaemon();
  await using proxy = await CuttingProxy.start(daemon.url);
  const direct = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  await using sandbox = await direct.createSandbox("bash");
  for (let index = 0; index < 20; index++) await sandbox.commands.run(["true"]);

  proxy.cutAfterBytes = 3_000;
  const client = new Client({ baseUrl: proxy.url, apiKey: daemon.apiKey });
  const seqs: number[] = [];
  for await (const event of client.events({ sandboxId: sandbox.id, follow: true })) {
    if (event.type === "gap") assert.fail("nothing was removed");
    seqs.push(event.seq);
    if (seqs.length === 40) break;
  }
  assert.deepEqual(
    seqs,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  assert.ok(proxy.cuts >= 3, `${proxy.cuts} cuts`);
});

test("a POST whose answer is cut off runs once: the retry gets the answer of the first", async () => {
  await using daemon = await startDaemon();
  await using proxy = await CuttingProxy.start(daemon.url);
  const client = new Client({ baseUrl: proxy.url, apiKey: daemon.apiKey });
  await using sandbox = await client.createSandbox("bash");
  const stopCutting = setInterval(() => {
    if (proxy.cuts > 0) proxy.cutAfterBytes = 0;
  }, 1);
  proxy.cutAfterBytes = 1;
  const { cause } = await sandbox.commands.run("echo once >> count.txt");
  clearInterval(stopCutting);
  proxy.cutAfterBytes = 0;
  assert.equal(cause, "exited");
  assert.ok(proxy.cuts >= 1);
  assert.equal(await sandbox.files.readText("count.txt"), "once\n");
});

test("an exec that a crash of the daemon took ends with host_crash, its output before that kept", async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-crash-"));
  context.after(() => rm(dataDir, { recursive: true, force: true }));
  const apiKeys = ["test_crashing_daemon_0123456789abcdef"];
  const first = await startDaemon({ dataDir, apiKeys });
  await using proxy = await CuttingProxy.start(first.url);
  const client = new Client({ baseUrl: proxy.url, apiKey: first.apiKey });
  const sandbox = await client.createSandbox("bash");
  const isSpeaking = Promise.withResolvers<void>();
  const running = sandbox.commands.run("echo before; sleep 1000", { onStdout: () => isSpeaking.resolve() });
  await isSpeaking.promise;
  await first.kill();
  await using second = await startDaemon({ dataDir, apiKeys });
  proxy.target = new URL(second.url);
  const { stdout, cause } = await running;
  assert.deepEqual({ stdout, cause }, { stdout: "before\n", cause: "host_crash" });
});
