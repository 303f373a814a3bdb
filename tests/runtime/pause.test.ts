import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, finished, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const context = callContext();
const COUNT = "i=0; while :; do i=$((i+1)); echo $i; read -t 0.01 < <(sleep 1000); done";

describe("pausing", () => {
  let host: TestRuntime;
  let clock: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    clock = await host.create();
  });
  after(() => host.close());

  /** Time passes in another sandbox: enough for a process that could run to show it. */
  const timePasses = (): Promise<unknown> => run(clock, { command: "sleep 0.15" });

  test("a paused process does not go on, and goes on where it was when it is resumed", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: COUNT }, context);
    await until("it counts", () => exec.info().stdoutBytes > 10);
    await sandbox.pause(context);
    assert.equal(sandbox.info().state, "paused");
    await timePasses();
    const before = exec.info().stdoutBytes;
    await timePasses();
    assert.equal(exec.info().stdoutBytes, before);
    await sandbox.resume(context);
    assert.equal(sandbox.info().state, "running");
    await until("it counts on", () => exec.info().stdoutBytes > before);
    await exec.kill("SIGKILL", context);
    const { stdout } = await finished(exec);
    assert.deepEqual(
      stdout.trim().split("\n").map(Number),
      stdout
        .trim()
        .split("\n")
        .map((_, at) => at + 1),
    );
    await sandbox.terminate("user", context);
  });

  test("deadlines of execs stand still meanwhile", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: "sleep 0.5; echo done", timeoutMs: 1500 }, context);
    await until("it runs", () => exec.info().state === "running");
    await sandbox.pause(context);
    await run(clock, { command: "sleep 1.7" });
    assert.equal(exec.info().state, "running");
    await sandbox.resume(context);
    const { exit, stdout } = await finished(exec);
    assert.deepEqual([exit.cause, stdout], ["exited", "done\n"]);
    await sandbox.terminate("user", context);
  });

  test("calls to a sandbox that someone paused are refused until someone resumes it", async () => {
    const sandbox = await host.create();
    await sandbox.pause(context);
    await assert.rejects(sandbox.exec({ command: "true" }, context), {
      code: "SANDBOX_PAUSED",
      hint: /resume/,
    });
    await assert.rejects(sandbox.files.list("/", context), { code: "SANDBOX_PAUSED" });
    await sandbox.resume(context);
    assert.equal((await run(sandbox, { command: "echo awake" })).stdout, "awake\n");
    await sandbox.terminate("user", context);
  });

  test("pausing and resuming twice is once, is recorded once, and says how long", async () => {
    const sandbox = await host.create();
    await Promise.all([sandbox.pause(context), sandbox.pause(context)]);
    await timePasses();
    await Promise.all([sandbox.resume(context), sandbox.resume(context)]);
    const said = host.events
      .of(sandbox.id)
      .filter(({ type }) => type === "sandbox.paused" || type === "sandbox.resumed");
    assert.deepEqual(
      said.map(({ type }) => type),
      ["sandbox.paused", "sandbox.resumed"],
    );
    const [paused, resumed] = said;
    assert.ok(paused?.type === "sandbox.paused" && resumed?.type === "sandbox.resumed");
    assert.deepEqual([paused.data.reason, resumed.data.reason], ["user", "user"]);
    assert.ok(resumed.data.pausedMs >= 150, `${resumed.data.pausedMs} ms`);
    await sandbox.terminate("user", context);
  });

  test("a paused sandbox can be ended, and its execs say so", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: COUNT }, context);
    await until("it counts", () => exec.info().stdoutBytes > 0);
    await sandbox.pause(context);
    await sandbox.terminate("user", context);
    assert.equal((await exec.completed).cause, "sandbox_ended");
  });

  test("one that nobody calls falls asleep, and wakes at the next call, which notices nothing", async () => {
    const sandbox = await host.create({ template: "python", idleTimeoutMs: 60 });
    await run(sandbox, { code: "x = 42" });
    for (let round = 0; round < 3; round++) {
      await until("it sleeps", () => sandbox.info().state === "paused");
      const cell = await run(sandbox, { code: "x" });
      assert.equal(cell.result, "42");
      await until("it sleeps", () => sandbox.info().state === "paused");
      assert.equal((await sandbox.files.stat("/workspace", context)).type, "directory");
    }
    const reasons = host.events
      .of(sandbox.id)
      .flatMap((event) =>
        event.type === "sandbox.paused" || event.type === "sandbox.resumed" ? [event.data.reason] : [],
      );
    assert.deepEqual(new Set(reasons), new Set(["idle", "call"]));
    await sandbox.terminate("user", context);
  });

  test("it does not fall asleep under an exec, an upload or a download", async () => {
    const sandbox = await host.create({ idleTimeoutMs: 60 });
    const pausedBefore = (): number => host.events.ofType("sandbox.paused", sandbox.id).length;
    const { exit } = await run(sandbox, { command: "sleep 0.3" });
    assert.deepEqual([exit.cause, pausedBefore()], ["exited", 0]);
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 4; piece++) {
        yield Buffer.alloc(1_000_000);
        await run(clock, { command: "sleep 0.08" });
      }
    }
    assert.equal((await sandbox.files.write("slow", slowly(), context)).sizeBytes, 4_000_000);
    assert.equal(pausedBefore(), 0);
    let bytes = 0;
    for await (const chunk of (await sandbox.files.read("slow", context)).content) {
      bytes += chunk.length;
      if (bytes < 1_000_000) await run(clock, { command: "sleep 0.08" });
    }
    assert.deepEqual([bytes, pausedBefore()], [4_000_000, 0]);
    await until("it sleeps then", () => sandbox.info().state === "paused");
    await sandbox.terminate("user", context);
  });

  test("a call that comes while it falls asleep is answered", async () => {
    const sandbox = await host.create({ idleTimeoutMs: 1 });
    for (let round = 0; round < 60; round++) {
      const { stdout } = await run(sandbox, { command: "echo here", timeoutMs: 10_000 });
      assert.equal(stdout, "here\n");
    }
    await sandbox.terminate("user", context);
  });

  test("a user's pause on one that sleeps makes it a pause that no call ends", async () => {
    const sandbox = await host.create({ idleTimeoutMs: 50 });
    await until("it sleeps", () => sandbox.info().state === "paused");
    await sandbox.pause(context);
    await assert.rejects(sandbox.exec({ command: "true" }, context), { code: "SANDBOX_PAUSED" });
    await sandbox.terminate("user", context);
  });

  test("a sandbox's lifetime ends it also while it is paused", async () => {
    const sandbox = await host.create({ timeoutMs: 300 });
    await sandbox.pause(context);
    assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "lifetime_exceeded");
  });

  test("pausing, resuming and ending all at once end well", async () => {
    for (let round = 0; round < 5; round++) {
      const sandbox = await host.create();
      const exec = await sandbox.exec({ command: COUNT }, context);
      const results = await Promise.allSettled([
        sandbox.pause(context),
        sandbox.resume(context),
        sandbox.pause(context),
        sandbox.terminate("user", context),
        sandbox.resume(context),
      ]);
      for (const result of results)
        if (result.status === "rejected") assert.equal(result.reason.code, "SANDBOX_ENDED");
      assert.equal((await exec.completed).cause, "sandbox_ended");
      assert.equal(host.events.of(sandbox.id).at(-1)?.type, "sandbox.terminated");
    }
  });
});
