import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "./cli-process.ts";

// Port 9 (discard) is not served anywhere that tests run.
const NOWHERE = ["--url", "http://127.0.0.1:9"];

/** A data directory that a daemon could not make, so that none starts whatever becomes of its options. */
const UNUSED = ["--data-dir", "/dev/null/data"];

test("help goes to stdout, has examples for every command, and ends with 0", async () => {
  const help = await runCommand(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:[\s\S]*Exit codes:/);
  const commands = [
    "run",
    "exec",
    "create",
    "fork",
    "diff",
    "merge",
    "ps",
    "rm",
    "logs",
    "files cp",
    "tail",
    "trace",
    "exporters",
    "exporters list",
    "exporters show",
    "exporters add",
    "exporters replace",
    "exporters rm",
    "exporters retry",
    "exporters flush",
    "keys create",
    "keys list",
    "keys revoke",
    "doctor",
  ];
  for (const result of await Promise.all(
    commands.map((name) => runCommand([...name.split(" "), "--help"])),
  )) {
    assert.equal(result.code, 0);
    assert.match(result.stdout, /Examples:\n {2}/, result.stdout);
  }
});

test("serve's help is the daemon's own", async () => {
  const { stdout, code } = await runCommand(["serve", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /--data-dir/);
});

test("help of a command is what the command says, also of one below another, and none of what is no command", async () => {
  for (const names of [["keys", "create"], ["runs", "ls"], ["serve"]]) {
    const help = await runCommand(["help", ...names]);
    assert.equal(help.code, 0, help.stderr);
    assert.equal(help.stdout, (await runCommand([...names, "--help"])).stdout);
  }
  for (const words of ["help creat", "help keys creat", "keys help creat"]) {
    const { stdout, stderr, code } = await runCommand(words.split(" "));
    assert.deepEqual([stdout, code], ["", 2]);
    assert.match(stderr, /^sandglass: unknown command 'creat'\n\(Did you mean create\?\)\n/);
  }
});

test("a command line that makes no sense ends with 2 and says why on stderr", async () => {
  const lines = [
    ["nonsense"],
    ["run"],
    ["run", "notes.txt"],
    ["run", "/does/not/exist.py"],
    ["run", "--timeout", "soon", "x.py"],
    ["top", "--interval", "0", ...NOWHERE],
    ["trace", "zzz", ...NOWHERE],
    ["logs", "zzz", ...NOWHERE],
    ["files", "cp", "a", "b"],
    ["ps", "--url", "ftp://x"],
    // Its value here would be stored, and shown to whoever reads the record.
    ["create", "--metadata", "PATH", ...NOWHERE],
    ["ps", "--api-key-file", "/does/not/exist"],
    ["serve", "--no-console-enabled=yes", ...UNUSED],
    ["serve", "--no-port=1", ...UNUSED],
  ];
  for (const [index, result] of (await Promise.all(lines.map((line) => runCommand(line)))).entries()) {
    assert.equal(result.code, 2, `${lines[index]?.join(" ")}: ${result.stderr}`);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, /^sandglass: /);
  }
});

test("what is wrong with a command line is JSON where that is asked for, but not by the words of somebody else's command", async () => {
  const asked = [
    ["nosuch", "--json"],
    ["--json", "creat"],
    ["create", "--json", "--memory", "abc"],
    ["create", "--memory", "abc", "--json"],
    ["keys", "list", "--json", "--nosuch"],
    ["--json", "help", "creat"],
    ["exec", "sbx_1", "-w", "/tmp", "--json"],
    ["run", "-m", "1g", "--json"],
    ["run", "--json", "notes.txt"],
  ];
  for (const words of asked) {
    const { stdout, stderr, code } = await runCommand(words);
    assert.deepEqual([stdout, code], ["", 2], words.join(" "));
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; hint?: string } };
    assert.equal(error.code, "USAGE");
    assert.ok(error.message.length > 0 && !error.message.startsWith("error:"), error.message);
    assert.equal(error.hint, words.includes("creat") ? "Did you mean create?" : undefined);
  }
  const others = [
    ["exec", "", "echo", "--json", ...NOWHERE],
    ["exec", "", "-w", "/tmp", "--", "--json"],
    ["--url", "http://127.0.0.1:9", "exec", "-e", "A=b", "sbx_1", "echo", "--json"],
    ["run", "notes.txt", "--json"],
    ["run", "-m", "1g", "notes.txt", "--json"],
  ];
  for (const words of others) {
    const { stderr } = await runCommand(words);
    assert.match(stderr, /^sandglass: /, words.join(" "));
  }
});

test("a daemon that cannot listen where it was told to says which address that is, with keys and without", async () => {
  const keys = { SANDGLASS_API_KEYS: "k".repeat(40) };
  for (const env of [{}, keys])
    for (const [host, reason] of [
      // Of documentation, and in nobody's network.
      [
        "203.0.113.7",
        /203\.0\.113\.7 is no address of this machine; change --host: this machine has .*127\.0\.0\.1/,
      ],
      ["256.1.1.1", /"256\.1\.1\.1" is no address; change --host/],
    ] as const) {
      const { stderr, code } = await runCommand(["serve", "--host", host, ...UNUSED], { env });
      assert.match(stderr, reason);
      assert.equal(code, 1);
    }
});

test("a daemon that is not there ends with 3 and the way to start it, in words or JSON", async () => {
  const words = await runCommand(["ps", ...NOWHERE]);
  assert.equal(words.code, 3);
  assert.match(words.stderr, /sandglass serve/);
  const json = await runCommand([...NOWHERE, "--json", "ps"]);
  assert.equal(json.code, 3);
  assert.equal(JSON.parse(json.stderr).error.code, "CONNECTION_FAILED");
});

test("the key comes from a file, its end of line left out, and never from the command line", async () => {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers.authorization);
    response.end('{"items":[]}');
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), "sandglass-cli-"));
  await writeFile(join(folder, "key"), "sgk_filed\n", { mode: 0o600 });
  const { code, stdout } = await runCommand(["ps", "--url", url, "--api-key-file", join(folder, "key")]);
  assert.equal(code, 0);
  assert.match(stdout, /^SANDBOX/);
  assert.deepEqual(keys, ["Bearer sgk_filed"]);
  await rm(folder, { recursive: true });
  server.closeAllConnections();
  server.close();
  assert.doesNotMatch((await runCommand(["ps", "--help"])).stdout, /--api-key /);
});

test("what is wrong with the key, the address or the id is said by the name it was given under", async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === undefined ? 401 : 404, {
      "x-error-code": "UNAUTHORIZED",
    });
    response.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const missing = await runCommand(["ps", "--url", url]);
  assert.equal(missing.code, 1);
  assert.ok(
    missing.stderr.includes(
      `there is no key for ${url} in /nonexistent/credentials.json: give --api-key-file or SANDGLASS_API_KEY`,
    ),
    missing.stderr,
  );
  const broken = await runCommand(["ps", "--url", url], { env: { SANDGLASS_API_KEY: "sgk_a\nb" } });
  assert.match(broken.stderr, /^sandglass: SANDGLASS_API_KEY holds a line break/);
  const tls = await runCommand(["ps", "--url", url.replace("http:", "https:")]);
  assert.match(tls.stderr, /speaks http, not https/);
  for (const words of [
    ["exec", "", "--", "ls"],
    ["rm", ""],
  ])
    assert.match(
      (await runCommand([...words, "--url", url])).stderr,
      /^sandglass: the sandbox's id is empty/,
    );
  server.closeAllConnections();
  server.close();
});
