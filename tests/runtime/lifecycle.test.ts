import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  callContext,
  collectGarbage,
  finished,
  noTraces,
  readLines,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const context = callContext();

describe("a sandbox", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({ maxSandboxes: 6, defaults: { memoryMb: 200, idleTimeoutMs: 0 } });
  });
  after(() => host.close());

  test("is described as it was asked for, and is known to its organisation alone", async () => {
    const sandbox = await host.runtime.create(
      {
        template: "bash",
        memoryMb: 64,
        diskMb: 32,
        maxPids: 20,
        metadata: { user: "42" },
        runId: "run_a",
        onIdle: "terminate",
      },
      { ...context, orgId: "acme" },
    );
    const { createdAt, createMs, unenforced, ...info } = sandbox.info();
    assert.ok(createMs > 0 && Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
    assert.ok(Array.isArray(unenforced));
    assert.deepEqual(info, {
      id: sandbox.id,
      state: "running",
      template: "bash",
      source: "on_demand",
      isolation: "bubblewrap",
      limits: { ...info.limits, vcpu: 1, memoryMb: 64, diskMb: 32, maxPids: 20, idleTimeoutMs: 0 },
      onIdle: "terminate",
      record: "full",
      otelExport: false,
      instrument: false,
      logs: false,
      network: {},
      metadata: { user: "42" },
      runId: "run_a",
      traceId: context.traceId,
    });
    assert.equal(host.runtime.get(sandbox.id, "acme"), sandbox);
    assert.throws(() => host.runtime.get(sandbox.id, "other"), { code: "SANDBOX_NOT_FOUND" });
    assert.deepEqual(
      host.runtime.list("acme").map(({ id }) => id),
      [sandbox.id],
    );
    assert.deepEqual(host.runtime.list("other"), []);
    await sandbox.terminate("user", context);
    assert.deepEqual(host.runtime.list("acme"), []);
    assert.deepEqual(
      host.runtime.list("acme", { ended: true }).map(({ state, cause }) => [state, cause]),
      [["terminated", "user"]],
    );
  });

  test("its beginning and end are recorded in order, with one span for its life", async () => {
    const sandbox = await host.create({ runId: "run_b", metadata: { a: "b" } });
    await sandbox.terminate("user", context);
    const events = host.events.of(sandbox.id);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["sandbox.created", "sandbox.booted", "sandbox.started", "sandbox.terminated"],
    );
    assert.equal(new Set(events.slice(0, 3).map(({ spanId }) => spanId)).size, 1);
    for (const event of events) assert.deepEqual([event.orgId, event.runId], ["default", "run_b"]);
    const [created, , , terminated] = events;
    assert.ok(created?.type === "sandbox.created" && terminated?.type === "sandbox.terminated");
    const { durationMs, ...data } = created.data;
    assert.deepEqual(data, {
      template: "bash",
      source: "on_demand",
      vcpu: 1,
      memoryMb: 200,
      diskMb: 1024,
      isolation: "bubblewrap",
      network: {},
      metadata: { a: "b" },
    });
    assert.equal(durationMs, sandbox.info().createMs);
    assert.deepEqual([terminated.data.cause, terminated.data.execs], ["user", 0]);
    assert.ok(terminated.data.lifetimeMs > 0 && terminated.data.cpuMs > 0);
    assert.equal(terminated.traceId, context.traceId);
  });

  test("is ended once, however often and from wherever it is asked", async () => {
    const sandbox = await host.create();
    await Promise.all([
      sandbox.terminate("user", context),
      sandbox.terminate("lifetime_exceeded", context),
      host.runtime.get(sandbox.id, "default").terminate("user", context, "again"),
    ]);
    await sandbox.terminate("user", context);
    const [terminated, ...more] = host.events.ofType("sandbox.terminated", sandbox.id);
    assert.deepEqual([terminated?.data.cause, more.length], ["user", 0]);
    await noTraces(host.dataDir, sandbox.id);
  });

  test("that has ended takes no calls, says why, and still tells of what it was", async () => {
    const sandbox = await host.create();
    const { exec, lines } = await run(sandbox, { command: "echo last words" });
    await sandbox.terminate("user", context);
    const refused = { code: "SANDBOX_ENDED", message: /has ended \(user\)/ };
    await assert.rejects(sandbox.exec({ command: "true" }, context), refused);
    await assert.rejects(sandbox.files.list("/", context), refused);
    await assert.rejects(sandbox.pause(context), refused);
    await assert.rejects(sandbox.resume(context), refused);
    assert.deepEqual([sandbox.info().state, sandbox.info().cause], ["terminated", "user"]);
    assert.equal(host.runtime.get(sandbox.id, "default").getExec(exec.id).info().state, "completed");
    assert.deepEqual((await finished(sandbox.getExec(exec.id))).lines, lines);
  });

  test("that has ended is let go of with all it was made of, and its output can be read on", async () => {
    const live: WeakRef<object>[] = [];
    const [id, execId] = await (async () => {
      const sandbox = await host.create({ template: "bash" });
      const { exec } = await run(sandbox, { command: "seq 1 3; exit 4" });
      live.push(new WeakRef(sandbox), new WeakRef(exec));
      await sandbox.terminate("user", context);
      return [sandbox.id, exec.id];
    })();
    await until("nothing holds them", () => {
      collectGarbage();
      return live.every((ref) => ref.deref() === undefined);
    });
    const ended = host.runtime.get(id, context.orgId).getExec(execId);
    const lines = await readLines(ended.lines({ after: 0 }));
    assert.deepEqual([lines.at(-1)?.type, ended.info().exitCode], ["exit", 4]);
    assert.equal((await ended.completed).stdoutBytes, 6);
  });

  test("beyond the most there may be at once is refused with the limit, and made when another has gone", async () => {
    const most = 6 - host.runtime.list("default").length;
    const sandboxes = await Promise.all(Array.from({ length: most }, () => host.create()));
    await assert.rejects(host.create(), { code: "SANDBOX_LIMIT_REACHED", message: /^6 sandboxes/ });
    await sandboxes[0]?.terminate("user", context);
    sandboxes[0] = await host.create();
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
  });

  test("the limit counts each sandbox once, also while it is being recorded", async () => {
    await using two = await startRuntime({ maxSandboxes: 2 });
    const committing = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    two.events.onEmit = async (event) => {
      if (event.type !== "sandbox.created") return;
      committing.resolve();
      await committed.promise;
    };
    const first = two.create();
    await committing.promise;
    const second = two.create();
    committed.resolve();
    for (const sandbox of await Promise.all([first, second])) assert.equal(sandbox.info().state, "running");
    await assert.rejects(two.create(), { code: "SANDBOX_LIMIT_REACHED" });
    await two.close();
  });

  test("isolation of a kind that is not here is refused, and nothing is recorded", async () => {
    const before = host.events.all.length;
    await assert.rejects(host.create({ isolation: "kubernetes" }), {
      code: "UNSUPPORTED_ON_HOST",
      hint: /bubblewrap/,
    });
    await assert.rejects(host.create({ template: "bsh" }), {
      code: "TEMPLATE_NOT_FOUND",
      hint: /did you mean "bash"/,
    });
    assert.equal(host.events.all.length, before);
  });

  test("its numbers are counted by state, and gone with it", async () => {
    const counted = (): [object, number] => [
      host.runtime.stats().sandboxes,
      host.runtime.stats().runningExecs,
    ];
    assert.deepEqual(counted(), [{}, 0]);
    const [one, two] = await Promise.all([host.create(), host.create()]);
    const exec = await one.exec({ command: "sleep 1000" }, context);
    await two.pause(context);
    assert.deepEqual(counted(), [{ running: 1, paused: 1 }, 1]);
    await exec.kill("SIGKILL", context);
    await exec.completed;
    await Promise.all([one.terminate("user", context), two.terminate("user", context)]);
    assert.deepEqual(counted(), [{}, 0]);
  });

  test("what it wrote to its disk is gone with it, and another has none of it", async () => {
    const one = await host.create();
    await run(one, {
      command: "echo secret > /workspace/secret; echo secret > /tmp/secret; echo secret > /usr/secret",
    });
    await one.terminate("user", context);
    const two = await host.create();
    const { stdout } = await run(two, {
      command: "cat /workspace/secret /tmp/secret /usr/secret; ls -A /workspace /tmp",
    });
    assert.equal(stdout, "/tmp:\n\n/workspace:\n");
    await two.terminate("user", context);
  });

  test("closing the runtime ends every exec and sandbox with host_shutdown, and leaves nothing", async () => {
    await using other = await startRuntime();
    const sandboxes = await Promise.all([other.create(), other.create(), other.create()]);
    const [running, paused] = sandboxes;
    const exec = await running?.exec({ command: "echo in; sleep 1000" }, context);
    await until("it runs", () => (exec?.info().stdoutBytes ?? 0) > 0);
    await paused?.pause(context);
    await other.runtime.close("host_shutdown", 20_000);
    assert.equal((await exec?.completed)?.cause, "host_shutdown");
    for (const sandbox of sandboxes) {
      assert.deepEqual(
        other.events.ofType("sandbox.terminated", sandbox.id).map(({ data }) => data.cause),
        ["host_shutdown"],
      );
      await noTraces(other.dataDir, sandbox.id);
    }
    await assert.rejects(other.create(), { code: "SHUTTING_DOWN" });
  });

  test("a sandbox that is being made while the runtime closes is refused, or has its one end", async () => {
    await using other = await startRuntime();
    const making = [other.create(), other.create()];
    const closing = other.runtime.close("host_shutdown", 20_000);
    const made = await Promise.allSettled(making);
    await closing;
    for (const result of made) {
      if (result.status === "rejected") assert.equal(result.reason.code, "SHUTTING_DOWN");
      else await until("it is ended", () => result.value.info().state === "terminated");
    }
    for (const { sandboxId } of other.events.ofType("sandbox.created")) {
      const ends = other.events.ofType("sandbox.terminated", sandboxId).map(({ data }) => data.cause);
      assert.deepEqual(ends, ["host_shutdown"]);
      await noTraces(other.dataDir, sandboxId);
    }
  });
});
