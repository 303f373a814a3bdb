import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type EventInput, type ExecRequest, newSpanId, newTraceId } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

const SECRET = "s3cr3t-of-the-user";

describe("what is recorded of an exec", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python", runId: "run_of-the-sandbox" });
  });
  after(() => host.close());

  const typesOf = (events: readonly EventInput[]): string[] => events.map(({ type }) => type);

  const ends: [why: string, request: ExecRequest, types: string[]][] = [
    ["a command", { command: "echo x" }, ["exec.started", "exec.completed"]],
    ["a command that fails", { command: "exit 3" }, ["exec.started", "exec.completed"]],
    ["a program that is not there", { argv: ["nosuchprogram"] }, ["exec.started", "exec.completed"]],
    ["a cell", { code: "1" }, ["exec.started", "exec.completed"]],
    ["a cell that raises", { code: "1/0" }, ["exec.started", "exec.completed"]],
    [
      "a cell that takes its interpreter along",
      { code: "import os; os._exit(3)" },
      ["exec.started", "exec.completed"],
    ],
    [
      "a timeout",
      { command: "sleep 1000", timeoutMs: 50 },
      ["exec.started", "exec.timed_out", "exec.completed"],
    ],
  ];
  for (const [why, request, types] of ends) {
    test(`${why}: ${types.join(", ")}, in this order and once each`, async () => {
      const { exec } = await run(sandbox, request);
      assert.deepEqual(typesOf(host.events.ofExec(exec.id)), types);
    });
  }

  test("it says what ran, how it ended, and what it used and wrote", async () => {
    const { exec, info } = await run(sandbox, {
      command: "echo out; echo error >&2; exit 4",
      cwd: "/tmp",
      timeoutMs: 60_000,
    });
    const [started, completed] = host.events.ofExec(exec.id);
    assert.deepEqual(started?.data, {
      execId: exec.id,
      kind: "command",
      command: "echo out; echo error >&2; exit 4",
      cwd: "/tmp",
      timeoutMs: 60_000,
    });
    assert.ok(completed?.type === "exec.completed");
    const { cpuMs, maxRssBytes, durationMs, ...rest } = completed.data;
    assert.ok(cpuMs > 0 && maxRssBytes > 0 && durationMs > 0);
    assert.deepEqual(rest, {
      execId: exec.id,
      kind: "command",
      command: "echo out; echo error >&2; exit 4",
      exitCode: 4,
      cause: "exited",
      stdoutBytes: 4,
      stderrBytes: 6,
      stdoutTail: "out\n",
      stderrTail: "error\n",
    });
    assert.deepEqual([info.cpuMs, info.maxRssBytes, info.durationMs], [cpuMs, maxRssBytes, durationMs]);
  });

  test("it says of a cell its language and context", async () => {
    const { exec } = await run(sandbox, { code: "2+2", contextId: "mine" });
    assert.deepEqual(host.events.ofExec(exec.id)[0]?.data, {
      execId: exec.id,
      kind: "code",
      language: "python",
      contextId: "mine",
      code: "2+2",
    });
  });

  test("what was ended by force or failed is a warning, what ended by itself is not", async () => {
    const levels = async (request: ExecRequest) =>
      host.events.ofExec((await run(sandbox, request)).exec.id).map(({ level }) => level);
    assert.deepEqual(await levels({ command: "exit 1" }), ["info", "info"]);
    assert.deepEqual(await levels({ command: "kill -9 $$" }), ["info", "warn"]);
  });

  test("its events are the caller's: organisation, run, trace, the caller's span as parent, one span of its own", async () => {
    const context = callContext({ runId: "run_of-the-call" });
    const { exec, info } = await run(sandbox, { command: "true" }, context);
    const events = host.events.ofExec(exec.id);
    for (const event of events) {
      const { orgId, sandboxId, runId, traceId, parentSpanId, spanId } = event;
      assert.deepEqual(
        { orgId, sandboxId, runId, traceId, parentSpanId, spanId },
        {
          orgId: "default",
          sandboxId: sandbox.id,
          runId: "run_of-the-call",
          traceId: context.traceId,
          parentSpanId: context.parentSpanId,
          spanId: info.spanId,
        },
      );
    }
    const { exec: other } = await run(sandbox, { command: "true" });
    assert.equal(host.events.ofExec(other.id)[0]?.runId, "run_of-the-sandbox");
  });

  test("nothing runs before exec.started is committed, and exec.completed is before the last line", async () => {
    const committing = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    host.events.onEmit = async (event) => {
      if (event.type !== "exec.started") return;
      committing.resolve();
      await committed.promise;
    };
    const starting = sandbox.exec({ command: "touch /tmp/has-run; echo ran" }, callContext());
    await committing.promise;
    host.events.onEmit = undefined;
    assert.equal((await run(sandbox, { command: "ls /tmp/has-run" })).exit.code, 2);
    committed.resolve();
    const exec = await starting;
    for await (const block of exec.lines({ isOwner: true })) {
      if (!block.includes('"type":"exit"')) continue;
      assert.equal(host.events.ofExec(exec.id).at(-1)?.type, "exec.completed");
    }
  });

  test("TRACEPARENT names the exec's own span; TRACESTATE and BAGGAGE are the caller's: of a command and of a cell", async () => {
    const context = callContext({
      traceFlags: 3,
      tracestate: "vendor=1,other=2",
      baggage: "user=al%20ice;p",
    });
    const names = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];
    const requests: ExecRequest[] = [
      { command: `printf '%s\\n' ${names.map((name) => `"$${name}"`).join(" ")}` },
      { code: `import os\nprint(*[os.environ.get(n, "") for n in ${JSON.stringify(names)}], sep="\\n")` },
      {
        code: `console.log(${JSON.stringify(names)}.map((n) => process.env[n] ?? "").join("\\n"))`,
        language: "javascript",
      },
      { code: `printf '%s\\n' ${names.map((name) => `"$${name}"`).join(" ")}`, language: "bash" },
    ];
    for (const request of requests) {
      const { stdout, info } = await run(sandbox, request, context);
      assert.deepEqual(stdout.split("\n"), [
        `00-${context.traceId}-${info.spanId}-03`,
        "vendor=1,other=2",
        "user=al%20ice;p",
        "",
      ]);
      const next = await run(sandbox, request, callContext());
      assert.deepEqual(next.stdout.split("\n"), [
        `00-${next.info.traceId}-${next.info.spanId}-01`,
        "",
        "",
        "",
      ]);
    }
  });

  test("a child process of a cell inherits them", async () => {
    const { stdout, info } = await run(sandbox, {
      code: 'import subprocess; print(subprocess.run(["sh", "-c", "echo $TRACEPARENT"], capture_output=True, text=True).stdout)',
    });
    assert.equal(stdout.trim(), `00-${info.traceId}-${info.spanId}-01`);
  });

  test("metadata only: no code, command, path or output, in any event and any description", async () => {
    const quiet = await host.create({ template: "python", record: "metadata", metadata: {} });
    const context = callContext();
    await run(quiet, {
      command: `echo ${SECRET}; echo ${SECRET} >&2; exit 1`,
      cwd: "/tmp",
      env: { X: SECRET },
      stdin: SECRET,
    });
    await run(quiet, { argv: [`/${SECRET}`] });
    await run(quiet, { code: `print("${SECRET}"); raise ValueError("${SECRET}")` });
    await run(quiet, { code: `"${SECRET}"` });
    await run(quiet, { code: `import os; print("${SECRET}"); os._exit(1)` });
    await run(quiet, { command: `sleep 1000; ${SECRET}`, timeoutMs: 50 });
    const bytes = async function* () {
      yield Buffer.from(SECRET);
    };
    await quiet.files.write(`/workspace/${SECRET}`, bytes(), context);
    await quiet.files.stat(`/workspace/${SECRET}`, context);
    for await (const _ of (await quiet.files.read(`/workspace/${SECRET}`, context)).content);
    await quiet.files.move(`/workspace/${SECRET}`, `/tmp/${SECRET}`, context);
    await quiet.files.makeDirectory(`/tmp/dir-${SECRET}`, context);
    await assert.rejects(quiet.files.read(`/nowhere/${SECRET}`, context));
    await assert.rejects(quiet.files.remove(`/nowhere/${SECRET}`, context));
    await quiet.files.remove(`/tmp/${SECRET}`, context);
    const described = JSON.stringify([quiet.info(), quiet.execs()]);
    await quiet.terminate("user", context);
    const events = host.events.of(quiet.id);
    for (const type of [
      "exec.started",
      "exec.completed",
      "exec.timed_out",
      "file.created",
      "file.read",
      "file.deleted",
      "file.error",
    ])
      assert.ok(
        events.some((event) => event.type === type),
        `no ${type} was recorded`,
      );
    assert.deepEqual(
      events.filter((event) => JSON.stringify(event).includes(SECRET)),
      [],
    );
    assert.ok(!described.includes(SECRET), described);
    assert.ok(!JSON.stringify(quiet.execs()).includes(SECRET));
  });

  test("long output is counted in exec.streamed, without gaps and not beyond what there was", async () => {
    const { exec, info } = await run(sandbox, {
      command: "for i in $(seq 30); do head -c 20000 /dev/zero | tr '\\0' x; sleep 0.05; done; echo end >&2",
    });
    const streamed = host.events.ofExec(exec.id).filter((event) => event.type === "exec.streamed");
    assert.ok(streamed.length > 0);
    let offset = 0;
    for (const event of streamed) {
      assert.equal(event.level, "debug");
      if (event.type !== "exec.streamed" || event.data.stream !== "stdout") continue;
      assert.equal(event.data.offset, offset);
      offset += event.data.bytes;
    }
    assert.equal(offset, 600_000);
    assert.equal(info.stdoutBytes, 600_000);
    assert.equal(host.events.ofExec(exec.id).at(-1)?.type, "exec.completed");
  });

  test("ids are not taken from inside: a cell that forges its trace context changes nothing in the record", async () => {
    const forged = `00-${newTraceId()}-${newSpanId()}-01`;
    const context = callContext();
    const { exec } = await run(
      sandbox,
      { code: `import os; os.environ["TRACEPARENT"] = "${forged}"` },
      context,
    );
    for (const event of host.events.ofExec(exec.id)) assert.equal(event.traceId, context.traceId);
  });
});
