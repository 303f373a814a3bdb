import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { type CliOptions, type CliResult, runCommand, startCli } from "./cli-process.ts";

let daemon: TestDaemon;
let client: Client;
let folder: string;

before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  folder = await mkdtemp(join(tmpdir(), "sandglass-cli-"));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await daemon?.stop();
});

const env = (): CliOptions["env"] => ({ SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey });
const sandglass = (args: string[], stdin?: string): Promise<CliResult> =>
  runCommand(args, { env: env(), ...(stdin !== undefined && { stdin }) });

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const TRACE = /trace ([0-9a-f]{32})/;

test("run passes output, arguments and the exit code on, names the trace, and leaves no sandbox", async () => {
  const path = await script(
    "hello.py",
    "import sys\nprint('out', sys.argv[1:])\nprint('err', file=sys.stderr)\nsys.exit(7)",
  );
  const { stdout, stderr, code } = await sandglass(["run", path, "a b", "--json"]);
  assert.equal(code, 7);
  assert.equal(stdout, "out ['a b', '--json']\n");
  assert.match(stderr, /^err\n/);
  assert.match(stderr, TRACE);
  assert.deepEqual((await client.sandboxes.list()).items, []);
});

test("run takes JavaScript, shell and what comes on stdin, and passes bytes on as they are", async () => {
  const js = await script("a.mjs", "console.log(6 * 7)");
  const sh = await script("a.sh", 'printf "\\033[31m\\377"; cat');
  assert.equal((await sandglass(["run", js])).stdout, "42\n");
  const child = startCli(["run", "--stdin", sh], { env: env(), stdin: "piped" });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout ?? []) chunks.push(chunk as Buffer);
  assert.deepEqual(Buffer.concat(chunks), Buffer.from("\u001b[31m\xffpiped", "latin1"));
  assert.equal((await sandglass(["run", "-"], "print('from stdin')")).stdout, "from stdin\n");
});

test("an ending that is not the script's own is said with its cause", async () => {
  const path = await script("slow.sh", "sleep 100");
  const { stderr, code } = await sandglass(["run", "--timeout", "300ms", path]);
  assert.match(stderr, /sandglass: timed_out/);
  assert.notEqual(code, 0);
});

test("of an ending that is the script's own it is said that the disk was full", async () => {
  const path = await script("full.sh", "cat /dev/zero > fill 2> /dev/null; exit 3");
  const { stderr, code } = await sandglass(["run", "--disk", "16m", path]);
  assert.match(stderr, /^sandglass: the disk of 16 MiB was full when it ended$/m);
  assert.equal(code, 3);
});

test("run --json gives every line as it came, the last with sandbox and trace", async () => {
  const path = await script("json.py", "print(1)");
  const { stdout } = await sandglass(["run", "--json", path]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const exit = lines.at(-1);
  assert.deepEqual([exit?.type, exit?.code, exit?.cause], ["exit", 0, "exited"]);
  assert.match(String(exit?.sandboxId), /^sbx_/);
  assert.match(String(exit?.traceId), /^[0-9a-f]{32}$/);
});

test("Ctrl-C on run kills what runs, ends the sandbox, and exits with 130", async () => {
  const path = await script("endless.sh", "echo begun; sleep 1000");
  const child = startCli(["run", path], { env: env() });
  await once(child.stdout!, "data");
  const [running] = (await client.sandboxes.list()).items;
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  assert.equal(code, 130);
  assert.ok(running);
  assert.equal((await client.sandboxes.get(running.id)).state, "terminated");
});

test("a sandbox is created, listed, used, shown again and removed", async () => {
  const id = (await sandglass(["create", "python", "--memory", "256m"])).stdout.trim();
  assert.match(id, /^sbx_[0-9a-z]{26}$/);
  assert.match((await sandglass(["create", "nosuch"])).stderr, /nosuch/);
  assert.equal((await sandglass(["create", "node", "--template", "bash"])).code, 2);
  const small = await sandglass(["create", "--memory", "1"]);
  assert.equal(small.code, 2);
  assert.match(small.stderr, /^sandglass: --memory must be between 16 and 1048576 MiB/);
  assert.doesNotMatch(small.stderr, /openapi/, "it wrote no request itself");
  assert.match((await sandglass(["ps"])).stdout, new RegExp(`${id} +python +running .*256 MiB`));
  assert.equal((await sandglass(["ps", "-q"])).stdout, `${id}\n`);

  const command = await sandglass(["exec", id, "--", "sh", "-c", "echo out; echo err >&2; exit 3"]);
  assert.deepEqual([command.stdout, command.stderr, command.code], ["out\n", "err\n", 3]);
  assert.equal((await sandglass(["exec", id, "--shell", "--", "echo $((6 * 7))"])).stdout, "42\n");
  await sandglass(["exec", id, "--code", "--", "x = 6"]);
  assert.equal((await sandglass(["exec", id, "--code", "-"], "x * 7")).stdout, "42\n");

  assert.equal((await sandglass(["rm", id])).stdout, `${id}\n`);
  assert.doesNotMatch((await sandglass(["ps"])).stdout, /sbx_/);
  assert.match((await sandglass(["ps", "--all"])).stdout, new RegExp(`${id} .*terminated .*user`));

  const logs = await sandglass(["logs", id]);
  assert.match(logs.stdout, /^out\n42\n/);
  const [first] = (await (await client.sandboxes.connect(id)).execs.list()).items.toReversed();
  assert.equal((await sandglass(["logs", first?.id ?? ""])).stdout, "out\n");
});

test("what the daemon refuses of a command line is said in the words of that", async () => {
  const { id } = await client.createSandbox("bash");
  const refusals = [
    ["create --disk 1 --env 1=2", /^sandglass: --disk must be between .*; --env 1 is no variable's name/],
    [
      "create --allow http://pypi.org/",
      /^sandglass: --allow must name the host alone, without scheme and path/,
    ],
    [`exec ${id} --timeout 1000d -- ls`, /^sandglass: --timeout must be between/],
    [`fork ${id} -n 100`, /^sandglass: --count must be between 1 and 32/],
    [`diff ${id}`, /\n {2}say what to compare it with: --against sbx_…\n/],
    ["keys create x --scope all", /^sandglass: --scope must be one of /],
    ["ps --url nonsense", /: "nonsense"\n {2}set --url or SANDGLASS_URL to something like /],
  ] as const;
  for (const [words, said] of refusals) {
    const { stdout, stderr } = await sandglass(words.split(" "));
    assert.equal(stdout, "");
    assert.match(stderr, said);
  }
  await sandglass(["rm", id]);
});

test("trace shows the tree of what run did, and knows a sandbox's id too", async () => {
  const path = await script("traced.py", "print(1)");
  const { stderr } = await sandglass(["run", path]);
  const traceId = TRACE.exec(stderr)?.[1] ?? "";
  const { stdout } = await sandglass(["trace", traceId]);
  assert.match(stdout, /sandbox\.create/);
  assert.match(stdout, /└─ sandbox\.execute .* exited +python3 \/workspace\/traced\.py/);
  const parsed = JSON.parse((await sandglass(["trace", traceId, "--json"])).stdout) as { traceId: string };
  assert.equal(parsed.traceId, traceId);
  const unknown = await sandglass(["trace", "f".repeat(32)]);
  assert.equal(unknown.code, 1);

  const sandbox = await client.createSandbox("bash");
  const { execId, traceId: ofExec } = await sandbox.commands.run("true");
  const shown = await until("it is stored", async () => {
    const { stdout: text, code } = await sandglass(["trace", execId, "--json"]);
    return code === 0 && (JSON.parse(text) as { traceId: string });
  });
  assert.equal(shown.traceId, ofExec);
  assert.match((await sandglass(["trace", sandbox.id])).stdout, /sandbox\.create/);
  await sandbox.close();
  const nowhere = await sandglass(["trace", "exec_nope"]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /no exec exec_nope is in the record/);
});

test("tail shows what happens from now on, and ends quietly when nobody reads any more", async () => {
  const before = await client.createSandbox("bash");
  await before.close();
  const start = await cursorNow();
  const child = startCli(["tail", "--types", "exec.completed,sandbox.terminated", "--json"], { env: env() });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // Whatever comes behind its own first request, it shows.
  await recorded("/v1/sandboxes", start);
  const sandbox = await client.createSandbox("bash");
  await sandbox.commands.run(["true"]);
  const [line] = await once(child.stdout!, "data");
  const event = JSON.parse(String(line).split("\n")[0] ?? "") as { type: string; sandboxId: string };
  assert.deepEqual([event.type, event.sandboxId], ["exec.completed", sandbox.id]);
  child.stdout?.destroy();
  await sandbox.close();
  const [code] = await once(child, "close");
  assert.deepEqual([code, stderr], [0, ""]);
});

/** Behind what the record holds by now. */
async function cursorNow(): Promise<string> {
  let last = "";
  for await (const { cursor } of client.events()) last = cursor;
  return last;
}

/** Resolves when a request of this route is recorded behind the cursor. */
async function recorded(route: string, after: string): Promise<void> {
  for await (const event of client.events({ types: ["http.request"], after, follow: true })) {
    if (event.type === "http.request" && event.data.route === route) return;
  }
}

test("tail from the start without following ends at the record's end", async () => {
  const { stdout, code } = await sandglass(["tail", "--since-start", "--no-follow", "--types", "host.*"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d\d:\d\d:\d\d\.\d{3} INFO {2}host\.started/);
});

test("files are copied up and down, directories with -r", async () => {
  const sandbox = await client.createSandbox("bash");
  await mkdir(join(folder, "up", "deep"), { recursive: true });
  await writeFile(join(folder, "up", "a.txt"), "a");
  await writeFile(join(folder, "up", "deep", "b.sh"), "echo b", { mode: 0o755 });
  await sandglass(["files", "cp", join(folder, "up", "a.txt"), `${sandbox.id}:`]);
  assert.equal(await sandbox.files.readText("a.txt"), "a");
  await sandglass(["files", "cp", "-r", join(folder, "up"), `${sandbox.id}:/tmp/copy`]);
  assert.equal((await sandbox.commands.run(["/tmp/copy/deep/b.sh"])).stdout, "b\n");
  await sandglass(["files", "cp", "-r", `${sandbox.id}:/tmp/copy`, join(folder, "down")]);
  assert.equal(await readFile(join(folder, "down", "deep", "b.sh"), "utf8"), "echo b");
  const refused = await sandglass(["files", "cp", `${sandbox.id}:/tmp/copy`, folder]);
  assert.equal(refused.code, 2);
  assert.equal((await sandglass(["files", "cp", `${sandbox.id}:nope`, folder])).code, 1);
  // Nobody makes a directory there, and asking for it has to come to an end.
  const nowhere = await sandglass(["files", "cp", "-r", `${sandbox.id}:/tmp/copy`, "/proc/nowhere/down"]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /ENOENT.*\/proc\/nowhere/);
  await sandbox.close();
});

test("keys are made, listed without their secret, and revoked", async () => {
  const key = (await sandglass(["keys", "create", "ci"])).stdout.trim();
  const list = (await sandglass(["keys", "list"])).stdout;
  assert.ok(!list.includes(key));
  const id = /(key_\S+) +ci /.exec(list)?.[1] ?? "";
  assert.equal((await sandglass(["keys", "revoke", id])).code, 0);
  const refused = await runCommand(["ps"], { env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: key } });
  const plain = JSON.parse((await sandglass(["keys", "create", "agent", "--no-admin", "--json"])).stdout);
  assert.deepEqual(plain.scopes, ["sandboxes:read", "sandboxes:write", "events:read"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /key/);
});

test("of several sandboxes or keys, one that is not there holds up none of the others", async () => {
  const [first, last] = [await client.createSandbox("bash"), await client.createSandbox("bash")];
  const nowhere = "sbx_00000000000000000000000000";
  const removed = await sandglass(["rm", first.id, nowhere, last.id]);
  assert.deepEqual([removed.stdout, removed.code], [`${first.id}\n${last.id}\n`, 1]);
  assert.match(removed.stderr, new RegExp(nowhere));
  assert.deepEqual((await client.sandboxes.list()).items, []);

  const gone = await sandglass(["rm", "--record", "--yes", "--json", "sbx_nope", first.id, last.id]);
  assert.equal(gone.code, 1, gone.stderr);
  assert.deepEqual(
    (JSON.parse(gone.stdout) as { id: string }[]).map(({ id }) => id),
    [first.id, last.id],
  );
  assert.equal(JSON.parse(gone.stderr).error.code, "SANDBOX_NOT_FOUND");

  const { id } = await client.keys.create("going");
  const revoked = await sandglass(["keys", "revoke", "--json", "key_nope", id]);
  assert.deepEqual([JSON.parse(revoked.stdout), revoked.code], [{ revoked: [id] }, 1]);
  assert.equal(JSON.parse(revoked.stderr).error.code, "KEY_NOT_FOUND");
});

test("doctor asks the daemon, or looks by itself and says so", async () => {
  const asked = JSON.parse((await sandglass(["doctor", "--json"])).stdout) as {
    source: string;
    checks: unknown[];
  };
  assert.equal(asked.source, "daemon");
  const empty = await mkdtemp(join(tmpdir(), "sg-doctor-"));
  const alone = await runCommand(["doctor", "--url", "http://127.0.0.1:9"], { env: { TMPDIR: empty } });
  assert.match(alone.stdout, /no daemon could be asked .*looked at this host directly/);
  assert.match(alone.stdout, /[✓!✗] bubblewrap/);
  for (const wall of ["bubblewrap", "crun", "gvisor"])
    assert.match(alone.stdout, new RegExp(`✓ isolation ${wall} +a sandbox ran after \\d+ ms`));
  assert.deepEqual(await readdir(empty), []);
  await rm(empty, { recursive: true });
});
