import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;
let client: Client;
let parent: Sandbox;

before(async () => {
  daemon = await startDaemon({ args: ["--pool", "bash=0"] });
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  parent = await client.sandboxes.create({ template: "bash" });
  await parent.files.write("kept.txt", "kept\n");
  await parent.files.write("old.txt", "old\n");
});
after(async () => {
  await client?.close();
  await daemon?.stop();
});

const sandglass = (...args: string[]): Promise<CliResult> =>
  runCommand(args, { env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey } });

/** Forks the parent once, by the command. */
async function forked(): Promise<Sandbox> {
  const { stdout, code } = await sandglass("fork", parent.id);
  assert.equal(code, 0);
  return client.sandboxes.connect(stdout.trim());
}

test("fork prints the ids of the forks, a line each, and they have the files of their parent", async () => {
  const { stdout, stderr, code } = await sandglass("fork", parent.id, "-n", "2");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^sbx_[0-9a-z]+\nsbx_[0-9a-z]+\n$/);
  for (const id of stdout.trim().split("\n")) {
    assert.equal((await sandglass("exec", id, "--", "cat", "kept.txt")).stdout, "kept\n");
    await (await client.sandboxes.connect(id)).terminate();
  }
  const [info] = JSON.parse((await sandglass("fork", parent.id, "--json")).stdout);
  assert.deepEqual([info.parentId, info.source, info.state], [parent.id, "snapshot", "running"]);
  const listed = (await sandglass("ps")).stdout;
  assert.match(listed, /^SANDBOX .* FORK OF\n/);
  assert.match(listed, new RegExp(`${info.id} .* ${parent.id}\n`));
  await sandglass("rm", info.id);
});

test("diff lists what a fork added, modified and removed, by path", async () => {
  const fork = await forked();
  assert.equal((await sandglass("diff", fork.id)).stdout, "");
  await fork.commands.run(
    "echo new > new.txt; echo more >> kept.txt; rm old.txt; mkdir dir; printf x > 'a\u001b[31m'",
  );
  const { stdout, code } = await sandglass("diff", fork.id);
  assert.equal(code, 0);
  const lines = stdout.split("\n").filter((line) => line.includes(" /workspace/"));
  assert.deepEqual(lines, [
    "A /workspace/a[31m",
    "A /workspace/dir",
    "M /workspace/kept.txt",
    "A /workspace/new.txt",
    "D /workspace/old.txt",
  ]);
  const other = await forked();
  const diff = JSON.parse((await sandglass("diff", other.id, "--against", fork.id, "--json")).stdout);
  assert.equal(diff.against, fork.id);
  assert.ok(diff.added.includes("/workspace/old.txt") && diff.removed.includes("/workspace/new.txt"));
  const refused = await sandglass("diff", parent.id);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /against/);
  await sandglass("rm", fork.id, other.id);
});

test("merge prints which one stays; the other has ended, and the record tells the story", async () => {
  const run = await client.run({ name: "branches" }, async (open) => {
    const base = await open.sandboxes.create({ template: "bash" });
    const [fork] = await base.fork();
    assert.ok(fork !== undefined);
    await fork.files.write("answer.txt", "42\n");
    const { stdout, code } = await sandglass("merge", base.id, fork.id);
    assert.deepEqual([stdout, code], [`${base.id}\n`, 0]);
    assert.equal(await base.files.readText("answer.txt"), "42\n");
    assert.equal((await fork.info()).cause, "merged");
    await base.terminate();
    return { id: open.runId, traceId: open.traceId, base, fork };
  });
  const story = (await sandglass("runs", "show", run.id)).stdout;
  assert.match(story, new RegExp(`sandbox forked +${run.base.id} → ${run.fork.id} `));
  assert.match(story, new RegExp(`sandbox merged +${run.base.id} ← ${run.fork.id} \\+1 ~[01] -0 `));
  const trace = (await sandglass("trace", run.traceId)).stdout;
  assert.match(trace, new RegExp(`sandbox\\.fork .*${run.fork.id}`));
  assert.match((await sandglass("ps", "--all")).stdout, new RegExp(`${run.fork.id} .* merged`));
});

test("what cannot be done says why: how many, and of what", async () => {
  for (const count of ["0", "33", "1.5", "some"]) {
    const { code, stdout } = await sandglass("fork", parent.id, "-n", count);
    assert.deepEqual([code, stdout], [2, ""], count);
  }
  const nobody = await sandglass("fork", "sbx_00000000000000000000000000");
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /sbx_0{26}/);
  assert.equal((await sandglass("merge", parent.id)).code, 2);
  assert.equal((await sandglass("merge", parent.id, parent.id)).code, 2);
});
