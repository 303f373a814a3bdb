import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { SwitchingProxy, startDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { startCli } from "./cli-process.ts";

const LOST = "sandglass: the connection to the daemon is lost: waiting for it\n";
const BACK = "sandglass: the daemon is back: output from where it broke off\n";
/** Says that it runs, then waits for a file. */
const WAITING = "echo on; until [ -e go ]; do sleep 0.1; done; echo over";

test("exec, run and logs say that the daemon is out of reach and that it is back, and lose no output", async () => {
  await using daemon = await startDaemon();
  const daemonPort = Number(new URL(daemon.url).port);
  await using proxy = await SwitchingProxy.start(daemonPort);
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const env = { SANDGLASS_URL: `http://127.0.0.1:${proxy.port}`, SANDGLASS_API_KEY: daemon.apiKey };

  const start = async (args: string[], stdin = "") => {
    const child = startCli(args, { env, stdin });
    const command = { closed: once(child, "close"), stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (command.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (command.stderr += text));
    await until(`${args[0]} shows output`, () => command.stdout.includes("on"));
    return command;
  };
  const sandbox = await client.createSandbox("bash");
  const exec = await start(["exec", "--shell", sandbox.id, WAITING]);
  const [running] = (await sandbox.execs.list()).items;
  assert.ok(running);
  const logs = await start(["logs", running.id]);
  const jsonLogs = await start(["logs", running.id, "--json"]);
  const run = await start(["run", "--language", "bash", "-"], WAITING);
  const commands = [exec, logs, jsonLogs, run];
  for (const { stderr } of commands) assert.equal(stderr, "");

  proxy.switchTo(undefined);
  await until("all say that it is lost", () => commands.every(({ stderr }) => stderr === LOST));
  proxy.switchTo(daemonPort);
  await until("all say that it is back", () => commands.every(({ stderr }) => stderr === LOST + BACK));
  for (const { id } of (await client.sandboxes.list()).items)
    await (await client.sandboxes.connect(id)).files.write("go", "");

  for (const { closed } of commands) assert.deepEqual(await closed, [0, null]);
  for (const { stdout, stderr } of [exec, logs])
    assert.deepEqual([stdout, stderr], ["on\nover\n", LOST + BACK]);
  assert.deepEqual(
    jsonLogs.stdout.split("\n").map((line) => line && JSON.parse(line).type),
    ["stdout", "stdout", "exit", ""],
  );
  assert.equal(jsonLogs.stderr, LOST + BACK);
  assert.equal(run.stdout, "on\nover\n");
  assert.match(run.stderr, new RegExp(`^${LOST}${BACK}trace [0-9a-f]{32}\n$`));
});
