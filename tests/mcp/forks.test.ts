import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { type Connected, connectHttp, connectStdio, startServing } from "./mcp-clients.ts";

let daemon: TestDaemon;
let api: Client;
before(async () => {
  daemon = await startServing();
  api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await api?.close();
  await daemon?.stop();
});

const TRANSPORTS: [name: string, connect: (daemon: TestDaemon) => Promise<Connected>][] = [
  ["stdio", connectStdio],
  ["HTTP", connectHttp],
];

async function ended(id: string): Promise<string | undefined> {
  await until(`${id} has ended`, async () => (await api.sandboxes.get(id)).state === "terminated");
  return (await api.sandboxes.get(id)).cause;
}

for (const [name, connect] of TRANSPORTS) {
  test(`over ${name}: forks of the session's sandbox begin with its files, go their own ways, and end with the session`, async () => {
    const mcp = await connect(daemon);
    await mcp.call("write_file", { path: "plan.txt", content: "one plan" });
    const { structured, text } = await mcp.call("fork", { n: 2 });
    const forks = structured.forks as string[];
    assert.equal(forks.length, 2);
    assert.equal(text, `${forks.join("\n")}\n[2 forks of ${structured.sandbox_id}, with its files]`);
    for (const [index, id] of forks.entries()) {
      const tried = await mcp.call("run_command", {
        command: `echo "way ${index}" >> plan.txt; cat plan.txt`,
        sandbox_id: id,
      });
      assert.equal(tried.structured.stdout, `one planway ${index}\n`);
      assert.equal((await api.sandboxes.get(id)).parentId, structured.sandbox_id);
    }
    assert.equal((await mcp.call("read_file", { path: "plan.txt" })).text, "one plan");
    const deeper = await mcp.call("fork", { sandbox_id: forks[0] });
    const [grandchild = ""] = deeper.structured.forks as string[];
    const listed = await mcp.call("read_file", { path: "plan.txt", sandbox_id: grandchild });
    assert.equal(listed.text, "one planway 0\n");
    const told = await mcp.call("get_events", { types: ["sandbox.forked"] });
    assert.deepEqual(
      (told.structured.events as { data: { children: string[] } }[]).map(({ data }) => data.children),
      [forks, [grandchild]],
    );
    await mcp[Symbol.asyncDispose]();
    for (const id of [String(structured.sandbox_id), ...forks, grandchild])
      assert.equal(await ended(id), "user");
  });
}

test("forks of a sandbox of the caller's own end with the session, and that one is left alone", async () => {
  const own = await api.createSandbox("bash");
  const mcp = await connectHttp(daemon);
  const { structured } = await mcp.call("fork", { sandbox_id: own.id });
  const [fork = ""] = structured.forks as string[];
  await mcp[Symbol.asyncDispose]();
  assert.equal(await ended(fork), "user");
  assert.equal((await own.info()).state, "running");
  await own.terminate();
});

test("a fork that has ended by itself is an error with its code, and the session goes on and ends in order", async () => {
  const mcp = await connectStdio(daemon);
  const { structured } = await mcp.call("fork");
  const [fork = ""] = structured.forks as string[];
  await (await api.sandboxes.connect(fork)).terminate();
  const gone = await mcp.call("run_command", { command: "true", sandbox_id: fork });
  assert.match(gone.text, /^SANDBOX_ENDED: /);
  const home = await mcp.call("run_command", { command: "echo here" });
  assert.deepEqual([home.structured.stdout, home.structured.new_sandbox], ["here\n", false]);
  await mcp[Symbol.asyncDispose]();
  assert.equal(await ended(String(home.structured.sandbox_id)), "user");
  assert.equal(mcp.stderr(), "");
});

test("more forks than there may be are refused, and how many there may be is said", async () => {
  await using mcp = await connectHttp(daemon);
  for (const n of [0, 33]) {
    const refused = await mcp.call("fork", { n });
    assert.equal(refused.isError, true);
    assert.match(refused.text, n === 0 ? />=1/ : /<=32/);
  }
});
