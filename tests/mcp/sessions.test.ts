import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { CLI, type Connected, connectHttp, connectStdio, startServing } from "./mcp-clients.ts";

const LONG = "echo begun; exec sleep 600";

let daemon: TestDaemon;
let api: Client;
before(async () => {
  daemon = await startServing();
  api = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await api.close();
  await daemon.stop();
});

/** How the sandbox of a result has ended; resolves when it has. */
async function endingOf(structured: Record<string, unknown>): Promise<string | undefined> {
  const id = String(structured.sandbox_id);
  await until("the sandbox has ended", async () => (await api.sandboxes.get(id)).state === "terminated");
  return (await api.sandboxes.get(id)).cause;
}

/** The last of the events of this type in the run that a sandbox belongs to. */
async function runEnd(structured: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { runId } = await api.sandboxes.get(String(structured.sandbox_id));
  const find = async () => {
    for await (const event of api.events({ runId, types: ["run.completed"] })) return event;
    return undefined;
  };
  const event = await until("the run has ended", find);
  assert.ok(event.type === "run.completed");
  return { ...event.data };
}

describe("a session", () => {
  test("has a sandbox of its own: two clients do not see each other's files and variables", async () => {
    await using one = await connectHttp(daemon, { name: "one" });
    await using other = await connectHttp(daemon, { name: "other" });
    await using local = await connectStdio(daemon);
    const all = [one, other, local];
    const made = await Promise.all(all.map((mcp, index) => mcp.call("run_code", { code: `x = ${index}` })));
    await Promise.all(
      all.map((mcp, index) => mcp.call("write_file", { path: "x.txt", content: `${index}` })),
    );
    assert.equal(new Set(made.map(({ structured }) => structured.sandbox_id)).size, 3);
    const seen = await Promise.all(
      all.map((mcp) => mcp.call("run_code", { code: "x, open('x.txt').read()" })),
    );
    assert.deepEqual(
      seen.map(({ structured }) => structured.result),
      ["(0, '0')", "(1, '1')", "(2, '2')"],
    );
  });

  test("makes no sandbox and no run for a client that only looks", async () => {
    const before = (await api.sandboxes.list({ ended: true })).items.length;
    await using mcp = await connectHttp(daemon, { name: "only looks" });
    await mcp.client.listTools();
    assert.equal((await api.sandboxes.list({ ended: true })).items.length, before);
    for await (const event of api.events({ types: ["run.started"] }))
      assert.notEqual(event.type === "run.started" && event.data.name, "only looks");
  });

  test("makes one sandbox for calls that come at once", async () => {
    await using mcp = await connectHttp(daemon);
    const made = await Promise.all(
      [1, 2, 3, 4].map((n) => mcp.call("run_command", { command: `echo ${n}` })),
    );
    assert.equal(new Set(made.map(({ structured }) => structured.sandbox_id)).size, 1);
  });

  test("works in a sandbox of the caller's own where one is named, and leaves it alone at its end", async () => {
    const sandbox = await api.createSandbox("python");
    await sandbox.runCode("x = 'mine'");
    const mcp = await connectHttp(daemon);
    const { structured } = await mcp.call("run_code", { code: "x", sandbox_id: sandbox.id });
    assert.deepEqual([structured.result, structured.sandbox_id], ["'mine'", sandbox.id]);
    await mcp[Symbol.asyncDispose]();
    assert.equal((await sandbox.info()).state, "running");
    await sandbox.terminate();
  });

  test("gets another sandbox where its own has ended, and says so", async () => {
    await using mcp = await connectHttp(daemon);
    const first = await mcp.call("run_code", { code: "x = 1" });
    await (await api.sandboxes.connect(String(first.structured.sandbox_id))).terminate();
    const next = await mcp.call("run_code", { code: "'x' in globals()" });
    assert.equal(next.structured.result, "False");
    assert.equal(next.structured.new_sandbox, true);
    assert.notEqual(next.structured.sandbox_id, first.structured.sandbox_id);
    assert.match(next.text, /^\[the session's sandbox had ended/);
  });
});

describe("the end of a session ends its sandbox and its run", () => {
  test("over HTTP: with DELETE, behind which the session is unknown", async () => {
    const mcp = await connectHttp(daemon);
    const { structured } = await mcp.call("run_code", { code: "1" });
    await mcp.transport.terminateSession();
    assert.equal(await endingOf(structured), "user");
    assert.equal((await runEnd(structured)).status, "ok");
    await assert.rejects(mcp.client.listTools());
    await mcp.client.close();
  });

  test("over stdio: when the client closes stdin", async () => {
    const mcp = await connectStdio(daemon);
    const { structured } = await mcp.call("run_code", { code: "1" });
    await mcp.client.close();
    assert.equal(await endingOf(structured), "user");
    assert.equal((await runEnd(structured)).status, "ok");
    assert.equal(mcp.stderr(), "");
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`over stdio: with ${signal}, in the middle of a call`, async () => {
      const mcp = await connectStdio(daemon);
      const { structured } = await mcp.call("run_code", { code: "1" });
      const sandbox = await api.sandboxes.connect(String(structured.sandbox_id));
      await underWay(mcp);
      process.kill(mcp.pid, signal);
      assert.equal(await endingOf(structured), "user");
      const { items } = await sandbox.execs.list();
      assert.equal(items.find(({ command }) => command === LONG)?.cause, "killed");
      await runEnd(structured);
      await mcp.client.close();
    });
  }

  test("over stdio: when the client is killed and cannot say anything any more", async () => {
    // The shell stands for a client that starts its server, and holds the other ends of the pipes.
    const request = (id: number, method: string, params: object) =>
      JSON.stringify({ jsonrpc: "2.0", id, method, params });
    const lines = [
      request(1, "initialize", {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "killed", version: "1" },
      }),
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
      request(2, "tools/call", { name: "run_command", arguments: { command: "echo here" } }),
    ];
    const script = `{ printf '%s\\n' "$LINES_IN"; exec sleep 600; } | "$NODE" --disable-warning=ExperimentalWarning "$CLI" mcp`;
    const shell = spawn("sh", ["-c", script], {
      detached: true,
      env: {
        PATH: process.env.PATH,
        NODE: process.execPath,
        CLI,
        LINES_IN: lines.join("\n"),
        SANDGLASS_URL: daemon.url,
        SANDGLASS_API_KEY: daemon.apiKey,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    // It may have closed before anybody asks.
    const closed = once(shell, "close");
    let out = "";
    shell.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await until("the call is answered", () => out.includes('"id":2'));
    for (const line of out.trim().split("\n")) assert.equal(JSON.parse(line).jsonrpc, "2.0", line);
    const structured = JSON.parse(out.trim().split("\n").at(-1) ?? "{}").result.structuredContent;
    // It holds the other end of the server's stdin.
    const sleeper = execFileSync("ps", ["-o", "pid=,comm=", "-g", String(shell.pid)], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find(([, name]) => name === "sleep");
    process.kill(Number(sleeper?.[0]), "SIGKILL");
    assert.equal(await endingOf(structured), "user");
    await closed;
  });

  test("with the daemon: calls are cancelled, runs completed, and sandboxes end with the host", async () => {
    await using stopped = await startServing({ args: ["--shutdown-timeout-ms", "20000"] });
    const mcp = await connectHttp(stopped);
    await mcp.call("run_code", { code: "1" });
    await underWay(mcp);
    assert.equal(await stopped.stop(), 0);
    await mcp.client.close();
    assert.match(stopped.logs(), /exec complete.*cause=killed/);
    assert.match(stopped.logs(), /sandbox destroyed.*cause=host_shutdown/);
  });
});

/** Begins a call that does not end by itself; resolves when the session has heard of its exec, and can end it. */
function underWay({ client }: Pick<Connected, "client">): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = { name: "run_command", arguments: { command: LONG } };
    client.callTool(call, { onprogress: () => resolve() }).catch(reject);
  });
}
