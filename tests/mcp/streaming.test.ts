import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
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
  await api.close();
  await daemon.stop();
});

const transports: [name: string, connect: (daemon: TestDaemon) => Promise<Connected>][] = [
  ["stdio", connectStdio],
  ["HTTP", connectHttp],
];

for (const [name, connect] of transports) {
  describe(`over ${name}`, () => {
    let mcp: Connected;
    before(async () => {
      mcp = await connect(daemon);
    });
    after(() => mcp[Symbol.asyncDispose]());

    test("output reaches a client that asked for progress while the call still runs", async () => {
      const sandbox = String((await mcp.call("run_code", { code: "1" })).structured.sandbox_id);
      const heard: { progress: number; message?: string | undefined }[] = [];
      const go = async () => {
        await (await api.sandboxes.connect(sandbox)).files.write("go", "");
      };
      // It ends only when the client has heard of its beginning.
      const result = await mcp.client.callTool(
        {
          name: "run_command",
          arguments: { command: "echo one; until [ -e go ]; do sleep 0.02; done; echo two >&2" },
        },
        {
          onprogress: (progress) => {
            heard.push(progress);
            if (heard.length === 1) void go();
          },
        },
      );
      // One that arrives together with the result is dropped by the client itself.
      const said = heard.map(({ message, progress }) => [message, progress]);
      assert.deepEqual(
        said,
        [
          ["one\n", 4],
          ["two\n", 8],
        ].slice(0, Math.max(1, heard.length)),
      );
      assert.equal((result.structuredContent as { stderr: string }).stderr, "two\n");
    });

    test("a cancelled call kills what it ran, is recorded as failed, and harms no other", async () => {
      const { structured } = await mcp.call("run_code", { code: "x = 'still here'" });
      const sandbox = await api.sandboxes.connect(String(structured.sandbox_id));
      const cancel = new AbortController();
      const call = mcp.client.callTool(
        { name: "run_command", arguments: { command: "echo begun; exec sleep 600" } },
        { signal: cancel.signal, onprogress: () => cancel.abort("enough") },
      );
      await assert.rejects(call);
      const exec = await until("it is killed", async () =>
        (await sandbox.execs.list()).items.find(
          ({ command, state }) => command?.includes("sleep 600") && state === "completed",
        ),
      );
      assert.deepEqual([exec.cause, exec.signal], ["killed", "SIGKILL"]);
      assert.equal((await mcp.call("run_code", { code: "x" })).structured.result, "'still here'");
      const { structured: record } = await mcp.call("get_events", {
        types: ["agent.tool_result"],
        limit: 10,
      });
      const results = (record.events as { data: { toolName: string; isError: boolean } }[]).map(
        ({ data }) => data,
      );
      assert.ok(results.some(({ toolName, isError }) => toolName === "run_command" && isError));
    });
  });
}
