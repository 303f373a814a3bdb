import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { runCommand, startCli } from "./cli-process.ts";

let daemon: TestDaemon;
let client: Client;
let sandbox: Sandbox;
let env: Record<string, string>;

before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=0"] });
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  sandbox = await client.sandboxes.create({ template: "bash", memoryMb: 256 });
  await sandbox.commands.run("true");
});
after(async () => {
  await client?.close();
  await daemon?.stop();
});

test("one look says of each sandbox what it uses, also as JSON", async () => {
  await until("it was measured", async () => {
    const { stdout } = await runCommand(["top", "--once", "--json"], { env });
    return JSON.parse(stdout)[0]?.memoryBytes > 0;
  });
  const { stdout, code } = await runCommand(["top", "--once"], { env });
  assert.equal(code, 0);
  assert.match(stdout, /^1 sandboxes, 1 running, 0 execs under way, /);
  assert.match(
    stdout,
    new RegExp(`${sandbox.id} +bash +running +\\d+[smh] +\\d+ % +\\d+ / 256 MiB +\\d+ +1 +\\$`),
  );
  assert.ok(!stdout.includes("\u001b"));
});

test("without a terminal one look follows the other, with what began and ended between them", async () => {
  const cli = startCli(["top", "--json", "--interval", "100ms"], { env });
  const looks = createInterface({ input: cli.stdout as NonNullable<typeof cli.stdout> })[
    Symbol.asyncIterator
  ]();
  const next = async () => JSON.parse((await looks.next()).value ?? "[]");
  const untilSeen = async (
    isSeen: (rows: { running: number; execs: number }[]) => boolean,
  ): Promise<void> => {
    while (!isSeen(await next()));
  };
  await untilSeen(([row]) => row?.execs === 1 && row.running === 0);
  const waiting = sandbox.commands.run("until [ -e go ]; do sleep 0.05; done");
  await untilSeen(([row]) => row?.running === 1);
  await sandbox.files.write("go", "");
  await waiting;
  await untilSeen(([row]) => row?.running === 0 && row.execs === 2);
  await sandbox.terminate();
  await untilSeen((rows) => rows.length === 0);
  const ended = once(cli, "exit");
  cli.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
});
