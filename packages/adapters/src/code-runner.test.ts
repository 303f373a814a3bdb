import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CodeRunner } from "./code-runner.ts";
import { AdapterDaemon } from "./testing/adapter-daemon.ts";
import { inSpan } from "./testing/in-span.ts";

const identity = { name: "run_code", framework: "test" };

let daemon: AdapterDaemon;
before(async () => {
  daemon = await AdapterDaemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

test("calls that come at once share one sandbox, which is gone behind close", async () => {
  const runner = new CodeRunner({ client: daemon.client, language: "bash" }, identity);
  const results = await Promise.all([runner.run("pwd"), runner.run("pwd"), runner.run("false")]);
  await runner.close();
  await runner.close();
  assert.deepEqual(
    results.map(({ text }) => text),
    ["/workspace", "/workspace", "[exit code 1]"],
  );
  const alive = await daemon.client.sandboxes.list();
  assert.deepEqual(alive.items, []);
  const created = (await daemon.events()).filter(({ type }) => type === "sandbox.created");
  assert.equal(created.length, 1);
});

test("a sandbox and a run that are given outlive the tool", async () => {
  const run = await daemon.client.run({ name: "mine", captureContent: true });
  await using sandbox = await run.sandboxes.create({ template: "python" });
  const runner = new CodeRunner({ sandbox, run }, identity);
  await runner.run("kept = 1");
  await runner.close();
  assert.equal((await sandbox.runCode("kept")).result?.["text/plain"], "1");
  await run.complete();
  const events = (await daemon.events()).filter(({ runId }) => runId === run.runId);
  const recorded = events.flatMap(({ type, data }) => (type === "agent.tool_call" ? [data] : []));
  assert.deepEqual(
    recorded.map((data) => (data as { arguments?: string }).arguments),
    ['{"code":"kept = 1"}'],
  );
});

test("without captureContent neither arguments nor results are recorded, also of code that fails in a run which records them", async () => {
  const run = await daemon.client.run({ name: "mine", captureContent: true });
  const runner = new CodeRunner(
    { client: daemon.client, run, captureContent: false, create: { record: "metadata" } },
    identity,
  );
  await runner.run("print('hidden-1')");
  await runner.run("raise ValueError('hidden-2')");
  await runner.close();
  await run.complete();
  const events = (await daemon.events()).filter(({ runId }) => runId === run.runId);
  const results = events.filter(({ type }) => type === "agent.tool_result");
  assert.deepEqual(
    results.map(({ data }) => (data as { isError: boolean }).isError),
    [false, true],
  );
  assert.doesNotMatch(JSON.stringify(events), /hidden-/);
});

test("each trace of a caller has a run of its own, so that one tool can serve many agents", async () => {
  const runner = new CodeRunner({ client: daemon.client }, identity);
  const traces = ["a".repeat(32), "b".repeat(32)];
  for (const traceId of [...traces, ...traces]) await inSpan(traceId, () => runner.run("1"));
  await runner.close();
  for (const traceId of traces) {
    const types = (await daemon.events(traceId)).map(({ type }) => type);
    const counted = ["run.started", "agent.tool_call", "agent.tool_result", "run.completed"].map(
      (wanted) => types.filter((type) => type === wanted).length,
    );
    assert.deepEqual(counted, [1, 2, 2, 1]);
  }
});

test("a call that takes too long is a result with its cause, an aborted one rejects, and a lost sandbox is replaced", async () => {
  await using runner = new CodeRunner({ client: daemon.client, timeoutMs: 300 }, identity);
  assert.match((await runner.run("while True: pass")).text, /\[ended: timed_out/);
  const abort = new AbortController();
  const aborted = runner.run("while True: pass", abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  const [made] = (await daemon.client.sandboxes.list()).items;
  await (await daemon.client.sandboxes.connect(made?.id ?? "")).terminate();
  await assert.rejects(runner.run("1"), { code: "SANDBOX_ENDED" });
  assert.equal((await runner.run("1")).text, "[value]\n1");
});

test("a tool that is closed while a call is on its way leaves no sandbox behind", async () => {
  const runner = new CodeRunner({ client: daemon.client }, identity);
  const calls = [runner.run("1"), runner.run("2")];
  const closed = runner.close();
  const endings = await Promise.allSettled(calls);
  await closed;
  assert.deepEqual((await daemon.client.sandboxes.list()).items, []);
  for (const ending of endings)
    if (ending.status === "rejected") assert.equal(ending.reason.code, "INVALID_REQUEST");
  await assert.rejects(runner.run("3"), { code: "INVALID_REQUEST" });
});
