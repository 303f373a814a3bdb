import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import { startCli } from "./cli-process.ts";

let daemon: TestDaemon;
let client: Client;

before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await daemon?.stop();
});

const env = (): Record<string, string> => ({ SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey });

test("logs that is interrupted, or whose reader goes, leaves what it watched running", async () => {
  const sandbox = await client.createSandbox("bash");
  const running = sandbox.commands.stream("while sleep 0.05; do echo tick; done");
  await running.next();
  const [exec] = (await sandbox.execs.list()).items;
  assert.ok(exec);

  const interrupted = startCli(["logs", exec.id], { env: env() });
  await once(interrupted.stdout!, "data");
  interrupted.kill("SIGINT");
  assert.deepEqual(await once(interrupted, "close"), [130, null]);
  assert.equal((await sandbox.execs.get(exec.id)).state, "running");

  for (const id of [exec.id, sandbox.id]) {
    const left = startCli(["logs", id], { env: env() });
    let stderr = "";
    left.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    await once(left.stdout!, "data");
    left.stdout?.destroy();
    assert.deepEqual(await once(left, "close"), [0, null], stderr);
    assert.doesNotMatch(stderr, /sandglass:/);
  }
  assert.equal((await sandbox.execs.get(exec.id)).state, "running");
  await running.return();
  await sandbox.close();
});
