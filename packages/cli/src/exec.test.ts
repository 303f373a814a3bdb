import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;
let sandbox: Sandbox;

before(async () => {
  daemon = await startDaemon();
  sandbox = await new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey }).createSandbox("python");
});
after(async () => {
  await sandbox?.close();
  await daemon?.stop();
});

const sandglass = (args: string[], stdin?: string | Buffer): Promise<CliResult> =>
  runCommand(args, {
    env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey },
    ...(stdin !== undefined && { stdin }),
  });

test("what follows the command's first word is the command's, with -- and without", async () => {
  const echo = ["echo", "-l", "--json", "--code", "-e", "A=b", "--help", "--", "x"];
  for (const line of [
    ["exec", sandbox.id, ...echo],
    ["exec", sandbox.id, "--", ...echo],
    ["exec", "--", sandbox.id, ...echo],
  ]) {
    const { stdout, stderr, code } = await sandglass(line);
    assert.deepEqual([stdout, stderr, code], [`${echo.slice(1).join(" ")}\n`, "", 0]);
  }
  assert.equal((await sandglass(["exec", sandbox.id, "sh", "-c", "echo hi"])).stdout, "hi\n");
});

test("options of exec stand before the sandbox or between it and the command", async () => {
  assert.equal((await sandglass(["exec", "-w", "/tmp", sandbox.id, "pwd"])).stdout, "/tmp\n");
  const between = ["exec", sandbox.id, "--cwd=/tmp", "-e", "A=b", "sh", "-c", "pwd; echo $A"];
  assert.equal((await sandglass(between)).stdout, "/tmp\nb\n");
  assert.equal((await sandglass(["exec", sandbox.id, "-c", "print(6 * 7)"])).stdout, "42\n");
  assert.equal((await sandglass(["exec", sandbox.id, "-cl", "bash", "echo $((6 * 7))"])).stdout, "42\n");
  const unknown = await sandglass(["exec", sandbox.id, "--nosuch", "ls"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /unknown option '--nosuch'/);
});

test("options that say nothing of what is to run are refused with words", async () => {
  const cases: [string[], RegExp][] = [
    [["-l", "python", "--", "ls"], /--language is for cells: it goes with --code/],
    [["--context", "a", "--", "ls"], /--context is for cells/],
    [["-c", "-s", "--", "1"], /--shell is for commands/],
    [["-c", "-w", "/tmp", "--", "1"], /--cwd is for commands/],
    [["-c", "-i", "--", "1"], /--stdin is for commands/],
  ];
  for (const [words, said] of cases) {
    const { stderr, code } = await sandglass(["exec", sandbox.id, ...words]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, said);
  }
});

test("what comes on stdin arrives byte by byte, or is refused with what to do instead", async () => {
  const text = "\u0000ä\n\u{1f600}";
  const arrived = await sandglass(["exec", "-i", sandbox.id, "--", "od", "-An", "-tx1"], text);
  assert.equal(arrived.stdout.replaceAll(/\s/g, ""), Buffer.from(text).toString("hex"));

  const binary = Buffer.from([0xff, 0xfe, 0x80, 0x61]);
  for (const line of [
    ["exec", "-i", sandbox.id, "--", "od"],
    ["run", "-i", "-l", "bash", "/dev/null"],
  ]) {
    const { stderr, code } = await sandglass(line, binary);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /--stdin takes UTF-8 text.*files cp/);
  }
  assert.match((await sandglass(["exec", sandbox.id, "-c", "-"], binary)).stderr, /not UTF-8/);

  const large = await sandglass(["exec", "-i", sandbox.id, "--", "wc", "-c"], Buffer.alloc(8 * 2 ** 20 + 1));
  assert.match(large.stderr, /--stdin takes up to 8 MiB/);
  // JSON writes a NUL in six bytes.
  const escaped = await sandglass(["exec", "-i", sandbox.id, "--", "wc", "-c"], Buffer.alloc(8 * 2 ** 20));
  assert.equal(escaped.code, 1);
  assert.match(escaped.stderr, /--stdin is too much for one request.*\n.*files cp/);
});
