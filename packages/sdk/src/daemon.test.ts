import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client, Sandbox, SandglassError, type StreamEvent } from "./index.ts";

let daemon: TestDaemon;
let client: Client;
let shared: Sandbox;

before(async () => {
  daemon = await startDaemon();
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  shared = await client.createSandbox("python");
});
after(async () => {
  await shared?.close();
  await daemon?.stop();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test("cells share variables, the last expression is the result, an exception is an outcome", async () => {
  const first = await shared.runCode("x = 6\nprint('ready')");
  assert.deepEqual(
    { stdout: first.stdout, exitCode: first.exitCode, cause: first.cause, result: first.result },
    { stdout: "ready\n", exitCode: 0, cause: "exited", result: undefined },
  );
  const second = await shared.runCode("x * 7");
  assert.equal(second.result?.["text/plain"], "42");
  const broken = await shared.runCode("1 / 0");
  assert.notEqual(broken.exitCode, 0);
  assert.match(broken.stderr, /ZeroDivisionError/);
  assert.equal((await shared.runCode("x")).result?.["text/plain"], "6", "the context survived");
});

test("a stream yields typed lines without gaps, the exit last", async () => {
  const events: StreamEvent[] = [];
  for await (const event of shared.runCodeStream("for i in range(3): print(i)\n'end'")) events.push(event);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index),
  );
  const last = events.at(-1);
  assert.ok(last?.type === "exit" && last.code === 0 && last.cause === "exited");
  assert.ok(events.some((event) => event.type === "result" && event.data["text/plain"] === "'end'"));
});

test("handlers hear of output while it is written, and of where it runs before", async () => {
  const heard: string[] = [];
  const result = await shared.commands.run("echo out; echo err >&2", {
    onStart: ({ execId }) => heard.push(execId),
    onStdout: (text) => heard.push(`out ${text}`),
    onStderr: (text) => heard.push(`err ${text}`),
  });
  assert.equal(heard[0], result.execId);
  assert.deepEqual(heard.slice(1).toSorted(), ["err err\n", "out out\n"]);
});

test("a command takes argv, cwd, env and stdin, and gives back its code", async () => {
  await shared.files.mkdir("deep/er");
  const line = await shared.commands.run('pwd; echo "$GREETING"; cat; exit 7', {
    cwd: "/workspace/deep/er",
    env: { GREETING: "hi $HOME" },
    stdin: "from stdin",
  });
  assert.equal(line.stdout, "/workspace/deep/er\nhi $HOME\nfrom stdin");
  assert.equal(line.exitCode, 7);
  const argv = await shared.commands.run(["printf", "%s|", "a b", "$HOME", "*"]);
  assert.equal(argv.stdout, "a b|$HOME|*|");
});

test("bytes that are not UTF-8 come back exactly", async () => {
  const result = await shared.commands.run([
    "python3",
    "-c",
    "import sys; sys.stdout.buffer.write(bytes(range(256)))",
  ]);
  assert.deepEqual(Buffer.from(result.stdoutBytes), Buffer.from(Array.from({ length: 256 }, (_, n) => n)));
});

test("an exec that runs out of time, or is killed, says so", async () => {
  const slow = await shared.commands.run(["sleep", "100"], { timeoutMs: 200 });
  assert.equal(slow.cause, "timed_out");
  const execId = Promise.withResolvers<string>();
  const isUp = Promise.withResolvers<void>();
  const running = shared.commands.run(["sh", "-c", "echo up; exec sleep 100"], {
    onStart: (exec) => execId.resolve(exec.execId),
    onStdout: () => isUp.resolve(),
  });
  // Before that there is nothing that a signal could end.
  await isUp.promise;
  await shared.execs.kill(await execId.promise, { signal: "SIGTERM" });
  const killed = await running;
  assert.deepEqual([killed.cause, killed.signal, killed.exitCode], ["killed", "SIGTERM", 143]);
  await assert.rejects(shared.execs.kill(killed.execId), { code: "EXEC_ENDED" });
});

test("aborting kills the exec on the other side too", async () => {
  const controller = new AbortController();
  let execId = "";
  const running = shared.commands.run("echo on; sleep 100", {
    signal: controller.signal,
    onStart: (exec) => {
      execId = exec.execId;
    },
    onStdout: () => controller.abort(new Error("enough")),
  });
  await assert.rejects(running, /enough/);
  const events = await all(shared.execs.stream(execId));
  const last = events.at(-1);
  assert.equal(last?.type === "exit" && last.cause, "killed");
  assert.equal((await shared.execs.get(execId)).cause, "killed");
});

test("an exec can be listed, described and replayed, from any line on", async () => {
  const { execId } = await shared.commands.run("echo a; sleep 0.05; echo b");
  const page = await shared.execs.list({ limit: 5 });
  assert.ok(page.items.some(({ id }) => id === execId));
  const whole = await all(shared.execs.stream(execId));
  const rest = await all(shared.execs.stream(execId, { after: 0 }));
  assert.deepEqual(rest, whole.slice(1));
});

test("files of any bytes and names go up and come down, and are listed, moved and removed", async () => {
  const { files } = shared;
  const bytes = randomBytes(3_000_000);
  const written = await files.write(
    "data/ä b#?%.bin",
    Readable.from([bytes.subarray(0, 999), bytes.subarray(999)]),
    {
      mode: 0o600,
    },
  );
  assert.equal(written.path, "/workspace/data/ä b#?%.bin");
  assert.ok(bytes.equals(await files.read("/workspace/data/ä b#?%.bin")));
  const chunks: Buffer[] = [];
  for await (const chunk of await files.readStream("data/ä b#?%.bin")) chunks.push(chunk);
  assert.ok(bytes.equals(Buffer.concat(chunks)));

  const stat = await files.stat("data/ä b#?%.bin");
  assert.deepEqual([stat.sizeBytes, stat.type, stat.mode], [3_000_000, "file", 0o600]);
  await files.write("empty.txt", "");
  assert.equal(await files.readText("empty.txt"), "");
  await files.move("empty.txt", "data/moved.txt");
  assert.deepEqual((await files.list("data")).map(({ name }) => name).toSorted(), [
    "moved.txt",
    "ä b#?%.bin",
  ]);
  assert.equal(await files.exists("empty.txt"), false);
  await assert.rejects(files.readText("empty.txt"), { code: "FILE_NOT_FOUND" });
  const message = "stat /workspace/empty.txt: no such file or directory";
  await assert.rejects(files.stat("empty.txt"), { code: "FILE_NOT_FOUND", message });
  await files.remove("data", { recursive: true });
  assert.equal(await files.exists("data"), false);
});

test("a path outside the working directory is the sandbox's, never the host's", async () => {
  await shared.files.write("/tmp/of-sandbox.txt", "x");
  assert.equal(await shared.files.readText("../tmp/of-sandbox.txt"), "x");
  assert.equal((await shared.commands.run(["cat", "/tmp/of-sandbox.txt"])).stdout, "x");
});

test("a sandbox pauses, resumes, is found by its id, and ends once", async () => {
  const sandbox = await Sandbox.create({ template: "bash", client, metadata: { of: "test" } });
  assert.equal((await sandbox.pause()).state, "paused");
  assert.equal((await sandbox.resume()).state, "running");
  const again = await Sandbox.connect(sandbox.id, { client });
  assert.deepEqual((await again.info()).metadata, { of: "test" });
  await sandbox.terminate();
  await again.close();
  const info = await sandbox.info();
  assert.deepEqual([info.state, info.cause], ["terminated", "user"]);
  await assert.rejects(sandbox.runCode("1"), { code: "SANDBOX_ENDED" });
  const { items } = await client.sandboxes.list({ ended: true, limit: 100 });
  assert.ok(items.some(({ id }) => id === sandbox.id));
  await assert.rejects(client.sandboxes.get("sbx_00000000000000000000000000"), { code: "SANDBOX_NOT_FOUND" });
});

test("await using ends the sandbox at the end of the block", async () => {
  let id: string;
  {
    await using sandbox = await client.createSandbox("bash");
    id = sandbox.id;
  }
  assert.equal((await client.sandboxes.get(id)).state, "terminated");
});

test("the caller's trace reaches the process inside, and the trace can be read back", async () => {
  const traceId = randomBytes(16).toString("hex");
  await using sandbox = await client.sandboxes.create({
    template: "bash",
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    baggage: "user=ann",
  });
  const result = await sandbox.commands.run('echo "$TRACEPARENT $BAGGAGE"');
  assert.match(result.stdout, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01 user=ann\n$`));
  assert.deepEqual([sandbox.traceId, result.traceId], [traceId, traceId]);
  const { spans } = await client.traces.get(traceId);
  const exec = spans.find(({ name }) => name === "sandbox.execute");
  assert.equal(exec?.spanId, result.stdout.split("-")[2]);
  assert.equal(spans.find(({ spanId }) => spanId === exec?.parentSpanId)?.name, "http_request");
});

test("a run's tool call is above what it did in a sandbox", async () => {
  const traceId = await client.run({ name: "analyst" }, async (run) => {
    await using sandbox = await run.sandboxes.create({ template: "bash" });
    await run.tool("shell", {}, () => sandbox.commands.run(["true"]));
    run.llm({ model: "m", inputTokens: 3, outputTokens: 4 });
    return run.traceId;
  });
  const { spans } = await client.traces.get(traceId);
  const parents = new Map(spans.map((span) => [span.spanId, span]));
  const path: string[] = [];
  for (
    let span = spans.find(({ name }) => name === "sandbox.execute");
    span;
    span = parents.get(span.parentSpanId)
  ) {
    path.push(span.name);
  }
  assert.deepEqual(path.slice(0, 3), ["sandbox.execute", "http_request", "agent.tool_call"]);
  assert.match(path[3] ?? "", /^invoke_agent/);
});

test("a key that is revoked stops working", async () => {
  const { key, id } = await client.keys.create("short-lived");
  const other = new Client({ baseUrl: daemon.url, apiKey: key });
  assert.ok((await other.keys.list()).some((entry) => entry.id === id));
  await client.keys.revoke(id);
  await assert.rejects(
    other.keys.list(),
    (error: unknown) => error instanceof SandglassError && error.code === "UNAUTHORIZED",
  );
});
