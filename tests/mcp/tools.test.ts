import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestDaemon } from "@sandglass/testkit";
import { type Connected, connectHttp, connectStdio, startServing } from "./mcp-clients.ts";

/** One pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let daemon: TestDaemon;
before(async () => {
  daemon = await startServing();
});
after(() => daemon.stop());

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

    test("every tool says what it is for and what it takes, and those that the daemon cannot do are not there", async () => {
      const { tools } = await mcp.client.listTools();
      assert.deepEqual(
        tools.map((tool) => tool.name),
        [
          "run_code",
          "run_command",
          "read_file",
          "write_file",
          "list_files",
          "fork",
          "get_events",
          "get_trace",
        ],
      );
      for (const { name: tool, description, inputSchema, outputSchema } of tools) {
        assert.ok((description ?? "").length > 40, tool);
        assert.equal(inputSchema.additionalProperties, false, tool);
        assert.equal(outputSchema?.type, "object", tool);
        for (const [field, schema] of Object.entries(inputSchema.properties ?? {}))
          assert.ok((schema as { description?: string }).description, `${tool}.${field} has no description`);
      }
      const limits = tools[0]?.inputSchema.properties?.timeout_ms as { default?: number; maximum?: number };
      assert.equal(limits.default, 120_000);
      assert.equal(limits.maximum, 3_600_000);
    });

    test("code runs in one sandbox that lasts from call to call, and its result comes back as text and as data", async () => {
      const first = await mcp.call("run_code", { code: "x = 20\nprint('set')" });
      const second = await mcp.call("run_code", { code: "x + 22" });
      assert.equal(first.structured.stdout, "set\n");
      assert.equal(second.structured.result, "42");
      assert.equal(second.structured.exit_code, 0);
      assert.equal(second.structured.cause, "exited");
      assert.equal(second.structured.sandbox_id, first.structured.sandbox_id);
      assert.match(second.text, /^\[result\]\n42\n\[exit code 0, \d+ ms, sandbox sbx_/);
    });

    test("an exception is a result, with the traceback and the exit code", async () => {
      const result = await mcp.call("run_code", { code: "raise ValueError('no such month')" });
      assert.equal(result.isError, false);
      assert.equal(result.structured.exit_code, 1);
      assert.match(String(result.structured.stderr), /ValueError: no such month/);
      assert.match(result.text, /\[stderr\][\s\S]*no such month[\s\S]*\[exit code 1,/);
    });

    test("what ends for another reason than itself is an error that names the cause", async () => {
      const result = await mcp.call("run_code", { code: "while True: pass", timeout_ms: 200 });
      assert.equal(result.isError, true);
      assert.equal(result.structured.cause, "timed_out");
      assert.match(result.text, /\[timed_out, exit code/);
    });

    test("an image as the value of a cell comes back as an image", async () => {
      const code = `import base64\nclass Figure:\n    def _repr_png_(self): return base64.b64decode("${PNG}")\nFigure()`;
      const { content, structured } = await mcp.call("run_code", { code });
      assert.deepEqual(
        content.find(({ type }) => type === "image"),
        {
          type: "image",
          mimeType: "image/png",
          data: PNG,
        },
      );
      assert.deepEqual(structured.result_types, ["text/plain", "image/png"]);
    });

    test("commands run with and without a shell, with a directory, environment and input of their own", async () => {
      const shell = await mcp.call("run_command", {
        command: "pwd; echo $GREETING; cat",
        cwd: "/tmp",
        env: { GREETING: "hello" },
        stdin: "from stdin",
      });
      assert.equal(shell.structured.stdout, "/tmp\nhello\nfrom stdin");
      const argv = await mcp.call("run_command", { argv: ["echo", "$HOME", "a b"] });
      assert.equal(argv.structured.stdout, "$HOME a b\n");
      const both = await mcp.call("run_command", { command: "true", argv: ["true"] });
      assert.equal(both.isError, true);
      assert.match(both.text, /either command or argv/);
    });

    test("files are written, listed and read, as text, in parts, as bytes and as images", async () => {
      const written = await mcp.call("write_file", { path: "notes/märz.txt", content: "größer als nichts" });
      assert.equal(written.structured.path, "/workspace/notes/märz.txt");
      assert.equal(written.structured.size_bytes, 19);
      const listed = await mcp.call("list_files", { path: "notes" });
      const [entry] = listed.structured.entries as Record<string, unknown>[];
      assert.deepEqual([entry?.name, entry?.type, entry?.size_bytes], ["märz.txt", "file", 19]);

      const all = await mcp.call("read_file", { path: "notes/märz.txt" });
      assert.equal(all.text, "größer als nichts");
      assert.equal(all.structured.next_offset, undefined);
      // In the middle of "ö": the character comes whole, in the next part.
      const part = await mcp.call("read_file", { path: "notes/märz.txt", max_bytes: 3 });
      assert.deepEqual([part.structured.content, part.structured.next_offset], ["gr", 2]);
      const rest = await mcp.call("read_file", { path: "notes/märz.txt", offset: 2 });
      assert.equal(rest.structured.content, "ößer als nichts");

      await mcp.call("write_file", { path: "raw.bin", content: "AP/+AA==", encoding: "base64" });
      const raw = await mcp.call("read_file", { path: "raw.bin" });
      assert.deepEqual([raw.structured.encoding, raw.structured.content], ["base64", "AP/+AA=="]);
      assert.equal(raw.content[0]?.type, "resource");
      await mcp.call("write_file", { path: "dot.png", content: PNG, encoding: "base64" });
      const image = await mcp.call("read_file", { path: "dot.png", max_bytes: 20 });
      assert.deepEqual(image.content, [{ type: "image", mimeType: "image/png", data: PNG }]);

      await mcp.call("write_file", {
        path: "hello.sh",
        content: "#!/bin/sh\necho hello\n",
        executable: true,
      });
      assert.equal((await mcp.call("run_command", { argv: ["./hello.sh"] })).structured.stdout, "hello\n");
    });

    test("what the API refuses is an error with its code and hint, and the session goes on", async () => {
      const missing = await mcp.call("read_file", { path: "nowhere.txt" });
      assert.equal(missing.isError, true);
      assert.match(missing.text, /^FILE_NOT_FOUND: /);
      assert.equal((missing.structured.error as { code: string }).code, "FILE_NOT_FOUND");
      const nobodys = await mcp.call("run_code", { code: "1", sandbox_id: "sbx_00000000000000000000000000" });
      assert.match(nobodys.text, /^SANDBOX_NOT_FOUND: /);
      assert.ok((nobodys.structured.error as { request_id: string }).request_id);
      const trace = await mcp.call("get_trace", { trace_id: "0123456789abcdef0123456789abcdef" });
      assert.match(trace.text, /^TRACE_NOT_FOUND: .*\nHint: /);
      const notBase64 = await mcp.call("write_file", { path: "x", content: "ä", encoding: "base64" });
      assert.match(notBase64.text, /^INVALID_REQUEST: content is not base64\nHint: /);
      const misspelt = await mcp.call("run_code", { code: "1", timeout: 3 });
      assert.equal(misspelt.isError, true);
      assert.match(misspelt.text, /timeout/);
      assert.equal((await mcp.call("run_code", { code: "1 + 1" })).structured.result, "2");
    });

    test("of a flood of output the beginning and the end come back, with how much is between and how to get it", async () => {
      const { structured, text } = await mcp.call("run_command", {
        command: "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last",
        max_output_bytes: 1000,
      });
      const stdout = String(structured.stdout);
      assert.ok(stdout.startsWith("first\nxxx"), stdout.slice(0, 20));
      assert.ok(stdout.endsWith("xxx\nlast\n"), stdout.slice(-20));
      assert.ok(stdout.length < 1200);
      assert.equal(structured.stdout_bytes, 20_000_012);
      assert.equal(structured.truncated, true);
      assert.match(stdout, /… \[19999012 of 20000012 bytes of stdout left out\] …/);
      assert.match(text, /read_file with an offset; or: sandglass logs exec_/);
    });

    test("the record of the session can be read, and what caused what", async () => {
      const ran = await mcp.call("run_code", { code: "print('traced')" });
      const { structured } = await mcp.call("get_events", { types: ["exec.completed"], limit: 1 });
      const [event] = structured.events as { type: string; data: Record<string, unknown> }[];
      assert.equal(event?.data.execId, ran.structured.exec_id);
      assert.ok((structured.omitted as number) > 0);
      const behind = await mcp.call("get_events", { types: ["exec.*"], after: structured.cursor });
      assert.deepEqual(behind.structured.events, []);
      assert.equal(behind.text, "[no events]");
      const trace = await mcp.call("get_trace", { trace_id: ran.structured.trace_id });
      assert.match(
        trace.text,
        /agent\.tool_call .* run_code\n +http_request .*exec\n +sandbox\.execute .*print\('traced'\)/,
      );
    });
  });
}
