import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { type CliResult, runCommand, startCli } from "./cli-process.ts";

let daemon: TestDaemon;
let sandbox: Sandbox;
let folder: string;

before(async () => {
  daemon = await startDaemon();
  sandbox = await new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey }).createSandbox("bash");
  await sandbox.files.write("data.csv", "new");
  folder = await mkdtemp(join(tmpdir(), "sandglass-files-"));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await sandbox?.close();
  await daemon?.stop();
});

const access = () => ({ env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey } });
const cp = (...args: string[]): Promise<CliResult> => runCommand(["files", "cp", ...args], access());

test("a download that fails leaves what was there", async () => {
  const kept = join(folder, "kept");
  await writeFile(kept, "keep");
  for (const path of ["/dev/zero", "nope"]) assert.equal((await cp(`${sandbox.id}:${path}`, kept)).code, 1);
  assert.equal(await readFile(kept, "utf8"), "keep");
  assert.deepEqual(await readdir(folder), ["kept"]);
});

test("a download keeps the mode of what it replaces, follows links, and writes pipes and files with two names in place", async () => {
  const at = (name: string): string => join(folder, "replaced", name);
  await mkdir(at("."));
  await writeFile(at("file"), "old and longer");
  await chmod(at("file"), 0o640);
  await symlink("file", at("link"));
  assert.deepEqual([(await cp(`${sandbox.id}:data.csv`, at("link"))).stderr], [""]);
  assert.equal(await readFile(at("file"), "utf8"), "new");
  assert.equal((await stat(at("file"))).mode & 0o777, 0o640);

  await writeFile(at("one"), "old and longer");
  await link(at("one"), at("two"));
  await cp(`${sandbox.id}:data.csv`, at("one"));
  assert.equal(await readFile(at("two"), "utf8"), "new");

  await promisify(execFile)("mkfifo", [at("pipe")]);
  const [piped] = await Promise.all([readFile(at("pipe"), "utf8"), cp(`${sandbox.id}:data.csv`, at("pipe"))]);
  assert.equal(piped, "new");
  assert.deepEqual(await readdir(at(".")), ["file", "link", "one", "pipe", "two"]);
});

test("a path here that cannot be written or read is named in one line", async () => {
  const down = await cp(`${sandbox.id}:data.csv`, "/nope/dir/");
  assert.equal(
    down.stderr,
    "sandglass: /nope/dir/data.csv cannot be written: ENOENT: no such file or directory\n",
  );
  const up = await cp("/nope/data.csv", `${sandbox.id}:`);
  assert.equal(up.stderr, "sandglass: /nope/data.csv cannot be read: ENOENT: no such file or directory\n");
  assert.deepEqual([down.code, up.code], [1, 2]);
});

test("links and devices that a directory's copy leaves out are named, both ways", async () => {
  const up = join(folder, "up");
  await mkdir(up);
  await writeFile(join(up, "a"), "a");
  await symlink("a", join(up, "b"));
  const { stderr, code } = await cp("-r", up, `${sandbox.id}:up`);
  assert.equal(code, 0);
  assert.match(stderr, /^sandglass: 1 left out, being links or no regular files: .*\/up\/b\n$/);

  await sandbox.commands.run("cd up && ln -s a c && mkfifo d");
  const down = await cp("-r", `${sandbox.id}:up`, join(folder, "down"));
  assert.match(down.stderr, /^sandglass: 2 left out.*: \/workspace\/up\/c, \/workspace\/up\/d\n$/);
  assert.deepEqual(await readdir(join(folder, "down")), ["a"]);
});

test("- is stdin or stdout, with the bytes as they are", async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256));
  const up = await runCommand(["files", "cp", "-", `${sandbox.id}:piped`, "--json"], {
    ...access(),
    stdin: bytes,
  });
  assert.deepEqual(JSON.parse(up.stdout), [{ path: "/workspace/piped", sizeBytes: bytes.length }]);
  assert.ok(Buffer.from(await sandbox.files.read("piped")).equals(bytes));

  const child = startCli(["files", "cp", `${sandbox.id}:piped`, "-"], access());
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout!) {
    chunks.push(chunk);
    await delay(300); // a slow reader: what a pipe cannot hold waits, also when all of it was written
  }
  assert.ok(Buffer.concat(chunks).equals(bytes));

  const refused = [
    [["-", `${sandbox.id}:`], /what comes from stdin has no name/],
    [["-r", "-", `${sandbox.id}:x`], /-r does not go with -/],
    [["--json", `${sandbox.id}:piped`, "-"], /--json does not go with -/],
    [[`${sandbox.id}:/workspace`, "-"], /is a directory: stdout takes one file/],
    [[`${sandbox.id}:nope`, "-"], /nope: no such file or directory/],
  ] as const;
  for (const [args, words] of refused) {
    const { code, stderr, stdout } = await cp(...args);
    assert.match(stderr + stdout, words);
    assert.notEqual(code, 0, args.join(" "));
  }
});
