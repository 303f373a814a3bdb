import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { type CliResult, runCommand } from "./cli-process.ts";

let daemon: TestDaemon;
let runId: string;

before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=0"] });
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const request = { name: "quarterly \u001b[31mreport", agent: "analyst", captureContent: true };
  runId = await client.run(request, async (run) => {
    const sandbox = await run.sandboxes.create({ template: "bash" });
    run.thinking("first the data");
    await run.tool("shell", { command: "true" }, () => sandbox.commands.run("true"));
    await run
      .tool("broken", {}, () => Promise.reject(new Error("no such table")))
      .catch((error: Error) => assert.match(error.message, /no such table/));
    run.llm({ model: "large", inputTokens: 1200, outputTokens: 300, costUsd: 0.0123 });
    run.llm({ model: "unheard-of", inputTokens: 1, outputTokens: 1 });
    await sandbox.terminate();
    return run.runId;
  });
  await client.close();
});
after(() => daemon?.stop());

const sandglass = (args: string[]): Promise<CliResult> =>
  runCommand(["runs", ...args], { env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey } });

test("the list says what each run did and cost", async () => {
  const { stdout, code } = await sandglass([]);
  assert.equal(code, 0);
  assert.match(stdout, /^RUN +NAME +STATUS +AGE +DURATION +TOOLS +EXECS +FAILED +TOKENS +COST\n/);
  assert.match(
    stdout,
    new RegExp(`${runId} +quarterly \\[31mreport +ok .* 2 +1 +0 +1201 / 301 +\\$0.0123\\+`),
  );
  const [listed] = JSON.parse((await sandglass(["list", "--json"])).stdout);
  assert.deepEqual([listed.runId, listed.toolErrors, listed.unpricedCalls], [runId, 1, 1]);
  assert.equal((await sandglass(["--status", "error"])).stdout.trim().split("\n").length, 1);
});

test("the story tells in order what happened, and indents what happened inside a tool call", async () => {
  const { stdout, code } = await sandglass(["show", runId]);
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  assert.match(lines[0] ?? "", /^quarterly \[31mreport by analyst {2}ok .* \$0\.0123\+$/);
  assert.match(stdout, /1 sandbox · 1 exec · 2 tool calls \(1 failed\) · 2 model calls/);
  assert.match(
    stdout,
    /large: 1 call, 1200 tokens in, 300 out, \$0\.0123\n {2}unheard-of: .* price not known/,
  );
  const story = lines.slice(lines.indexOf("") + 1).map((line) => line.replace(/^ *\+[\d.]+ \S+ {2}/, ""));
  const whats = story.map((line) => /^( *\S+(?: \S+)*)/.exec(line)?.[1]).filter((what) => what !== undefined);
  assert.deepEqual(whats, [
    "run started",
    "sandbox bash",
    "thought",
    "tool shell",
    "  command",
    "tool broken",
    "model large",
    "model unheard-of",
    "sandbox ended",
    "run completed",
  ]);
  assert.match(stdout, /tool broken +failed [\d.]+ ms +\{\} → Error: no such table/);
  const { run, events } = JSON.parse((await sandglass(["show", runId, "--json"])).stdout);
  assert.equal(run.runId, runId);
  assert.ok(events.some(({ type }: { type: string }) => type === "exec.completed"));
});

test("the list of traces says what each was about, and is narrowed by run, sandbox, failure and attribute", async () => {
  const env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const traces = (...args: string[]): Promise<CliResult> => runCommand(["traces", ...args], { env });
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const secretive = await client.sandboxes.create({ record: "metadata" });
  await secretive.runCode("token = 1");
  const sandbox = await client.sandboxes.create();
  await sandbox.runCode("import\t os\n#\u202e");
  await client.close();
  const listed = async () => (await client.traces.list()).items.map(({ subject }) => subject);
  await until("the store has all of it", async () =>
    (await listed()).some((each) => each.startsWith("import")),
  );
  const { stdout, code } = await traces();
  assert.equal(code, 0);
  assert.match(stdout, /^TRACE +ABOUT +NAME +AGE +DURATION +SPANS +ERRORS +SANDBOX\n/);
  const lines = stdout.split("\n");
  const reading = /^[0-9a-f]{32} {2}GET \/v1\/traces +http_request /m;
  assert.doesNotMatch(stdout, reading, "nothing was done there");
  assert.match((await traces("--all")).stdout, reading);
  const idsIn = (text: string): string[] => text.match(/^[0-9a-f]{32}/gm) ?? [];
  // As many as were asked for, whatever is left out between them.
  assert.deepEqual(idsIn((await traces("-n", "2")).stdout), idsIn(stdout).slice(0, 2));
  const [cell, unsaid, run] = lines.filter((line) => /^\S+ {2}(import|python|quarterly) /.test(line));
  assert.match(cell ?? "", new RegExp(`^[0-9a-f]{32}  import os #\\S* +http_request .* 0 +${sandbox.id}$`));
  assert.match(unsaid ?? "", new RegExp(`^[0-9a-f]{32}  python code +http_request .* 0 +${secretive.id}$`));
  assert.match(run ?? "", /^[0-9a-f]{32} {2}quarterly \[31mreport +\S+ /);
  const ids = async (...args: string[]): Promise<string[]> =>
    JSON.parse((await traces("--json", ...args)).stdout).map((trace: { traceId: string }) => trace.traceId);
  assert.deepEqual(await ids("--run", runId), [run?.slice(0, 32)]);
  assert.deepEqual(await ids("--sandbox", sandbox.id), [cell?.slice(0, 32)]);
  assert.deepEqual(await ids("--error"), [run?.slice(0, 32)]);
  assert.deepEqual(await ids("--attribute", `sandglass.sandbox.id=${sandbox.id}`), [cell?.slice(0, 32)]);
  assert.deepEqual(await ids("--min-duration", "9999999"), []);
  assert.deepEqual(await ids("--min-duration", "2h"), []);
  assert.deepEqual(await ids("--run", runId, "--min-duration", "0.1ms"), [run?.slice(0, 32)]);
});

test("a run that is none is an error with its code", async () => {
  const { stderr, code } = await sandglass(["show", "run_none"]);
  assert.equal(code, 1);
  assert.match(stderr, /no run run_none/);
});
