import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, type Sandbox } from "./index.ts";

let daemon: TestDaemon;
let client: Client;

before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(() => daemon?.stop());

test("forks try several ways at once; the best is merged back", async () => {
  await using parent = await client.createSandbox("python");
  await parent.runCode("x = 1");
  await parent.files.write("data.csv", "a,b\n1,2\n");
  const branches = await parent.fork({ n: 3 });
  assert.equal(branches.length, 3);
  const results = await Promise.all(
    branches.map(async (branch, at) => {
      const { stdout } = await branch.runCode(
        `print(open("data.csv").read().splitlines()[0]); open("out.txt", "w").write(str(${at} ** 2))`,
      );
      return stdout;
    }),
  );
  assert.deepEqual(results, ["a,b\n", "a,b\n", "a,b\n"]);
  assert.match(
    (await (branches[0] as Sandbox).runCode("x")).stderr,
    /NameError/,
    "variables stay the parent's",
  );
  const best = branches[2] as Sandbox;
  const [against, beside] = [{ against: parent.id }, { against: branches[0] as Sandbox }];
  assert.deepEqual(await best.diff(), {
    against: parent.id,
    added: ["/workspace/out.txt"],
    modified: [],
    removed: [],
    truncated: false,
  });
  assert.deepEqual(await best.diff(against), await best.diff());
  assert.deepEqual((await best.diff(beside)).modified, ["/workspace/out.txt"]);
  await parent.merge(best);
  assert.equal(await parent.files.readText("out.txt"), "4");
  assert.equal((await parent.runCode("x")).result?.["text/plain"], "1", "the parent's interpreter goes on");
  assert.equal((await best.info()).cause, "merged");
  await parent.merge((branches[1] as Sandbox).id);
  assert.equal(await parent.files.readText("out.txt"), "1");
  await branches[0]?.terminate();
});

test("a fork knows its template and its trace without being asked, and carries on in its parent's", async () => {
  await using parent = await client.createSandbox("bash");
  const [child] = await parent.fork();
  assert.ok(child);
  const { template, traceId, parentId } = await child.info();
  assert.deepEqual([child.template, child.traceId, parentId], [template, traceId, parent.id]);
  assert.equal((await child.commands.run("true")).traceId, parent.traceId);
  await child.terminate();
});

test("what cannot be is said by the error's code", async () => {
  await using parent = await client.createSandbox("bash");
  await assert.rejects(parent.fork({ n: 33 }), { code: "INVALID_REQUEST" });
  await assert.rejects(parent.diff(), { code: "INVALID_REQUEST" });
  await assert.rejects(parent.merge("sbx_00000000000000000000000000"), { code: "SANDBOX_NOT_FOUND" });
  await parent.terminate();
  await assert.rejects(parent.fork(), { code: "SANDBOX_ENDED" });
});

test("a diff lists what was added, modified and removed, whichever way it is looked at", async () => {
  await using parent = await client.createSandbox("bash");
  await parent.files.write("kept.txt", "kept\n");
  await parent.files.write("old.txt", "old\n");
  const [child] = await parent.fork();
  assert.ok(child);
  await child.commands.run("echo new > new.txt; echo more >> kept.txt; rm old.txt; mkdir dir");
  const diff = { added: ["/workspace/dir", "/workspace/new.txt"], removed: ["/workspace/old.txt"] };
  const modified = ["/workspace/kept.txt"];
  assert.deepEqual(await child.diff(), { against: parent.id, ...diff, modified, truncated: false });
  assert.deepEqual(await parent.diff({ against: child }), {
    against: child.id,
    added: diff.removed,
    removed: diff.added,
    modified,
    truncated: false,
  });
  await child.terminate();
});
