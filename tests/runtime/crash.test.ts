import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  agentPid,
  callContext,
  childPids,
  finished,
  helperPid,
  hostTraces,
  livingPids,
  minderPid,
  noTraces,
  parentPid,
  readLines,
  run,
  sandboxPids,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const context = callContext();
/** Says something, and goes on when it is let. */
const WAITS = "echo in; until [ -e go ]; do sleep 0.02; done; echo out";

describe("when something crashes", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime();
  });
  after(() => host.close());

  test("a sandbox's disk has no name on the host, so that a crash leaves none", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: "echo kept > /workspace/file; cat /workspace/file" }, context);
    assert.equal((await finished(exec)).stdout, "kept\n");
    const { loops, files } = hostTraces(host.dataDir, sandbox.id);
    assert.equal(loops.length, 1);
    assert.deepEqual(
      files.filter((path) => path.endsWith(".ext4")),
      [],
    );
    await sandbox.terminate("user", context);
    await noTraces(host.dataDir, sandbox.id);
  });

  test("the agent: its sandbox and execs end with driver_error, its neighbour notices nothing", async () => {
    const [sandbox, neighbour] = await Promise.all([host.create(), host.create()]);
    const exec = await sandbox.exec({ command: "echo in; sleep 1000" }, context);
    const cell = await sandbox.exec({ code: "sleep 1000", language: "bash" }, context);
    const other = await neighbour.exec({ command: "echo in; sleep 0.3; echo out" }, context);
    await until("they run", () => exec.info().stdoutBytes > 0 && cell.info().state === "running");
    process.kill(agentPid(sandbox.id), "SIGKILL");
    for (const ended of [exec, cell]) {
      const { exit } = await finished(ended);
      assert.deepEqual([exit.cause, exit.code], ["driver_error", 137]);
      assert.ok((exit.reason ?? "").length > 0);
    }
    const { data } = await host.events.next("sandbox.terminated", sandbox.id);
    assert.equal(data.cause, "driver_error");
    const types = host.events.of(sandbox.id).map(({ type }) => type);
    for (const type of ["sandbox.terminated", "sandbox.error"])
      assert.equal(types.filter((said) => said === type).length, 1, type);
    assert.equal(types.filter((type) => type === "exec.completed").length, 2);
    assert.equal(types.at(-1), "sandbox.terminated");
    await assert.rejects(sandbox.exec({ command: "true" }, context), { code: "SANDBOX_ENDED" });
    assert.equal((await finished(other)).stdout, "in\nout\n");
    await noTraces(host.dataDir, sandbox.id);
    await neighbour.terminate("user", context);
  });

  test("an agent that stands still: its sandbox and execs end with driver_error and why, its neighbour and one that only sleeps go on", async () => {
    const [sandbox, uploading, neighbour] = await Promise.all([host.create(), host.create(), host.create()]);
    const exec = await sandbox.exec({ command: "echo in; sleep 1000", timeoutMs: 1000 }, context);
    const quiet = await neighbour.exec({ command: "echo in; read -r line; sleep 1000" }, context);
    await until("they run", () => exec.info().stdoutBytes > 0 && quiet.info().stdoutBytes > 0);
    async function* piece(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
    }
    for (const { id } of [sandbox, uploading]) process.kill(agentPid(id), "SIGSTOP");
    const upload = assert.rejects(uploading.files.write("up", piece(), context), {
      code: "SANDBOX_ENDED",
    });
    const { data } = await host.events.next("sandbox.terminated", sandbox.id);
    assert.equal(data.cause, "driver_error");
    assert.match(data.reason ?? "", /agent did not answer for \d+ s/);
    await upload;
    assert.equal((await host.events.next("sandbox.terminated", uploading.id)).data.cause, "driver_error");
    const { exit } = await finished(exec);
    assert.ok(["timed_out", "driver_error"].includes(exit.cause), exit.cause);
    assert.equal(quiet.info().state, "running");
    assert.equal((await run(neighbour, { command: "echo here" })).stdout, "here\n");
    for (const { id } of [sandbox, uploading]) await noTraces(host.dataDir, id);
    await neighbour.terminate("user", context);
  });

  test("the agent of a paused sandbox: it ends all the same", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: "sleep 1000" }, context);
    await sandbox.pause(context);
    process.kill(agentPid(sandbox.id), "SIGKILL");
    await sandbox.terminate("user", context);
    assert.ok(["sandbox_ended", "driver_error"].includes((await exec.completed).cause ?? ""));
    await noTraces(host.dataDir, sandbox.id);
  });

  test("a sandbox killed in the middle of an upload and a download: both fail, and it has an end", async () => {
    const sandbox = await host.create();
    await run(sandbox, { command: "head -c 30M /dev/zero > large" });
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(10_000);
    }
    const up = assert.rejects(sandbox.files.write("up", endless(), context), { code: "SANDBOX_ENDED" });
    const { content } = await sandbox.files.read("large", context);
    const down = assert.rejects(
      async () => {
        let pieces = 0;
        for await (const _ of content) if (++pieces === 2) process.kill(agentPid(sandbox.id), "SIGKILL");
      },
      { code: "SANDBOX_ENDED" },
    );
    await Promise.all([up, down]);
    assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
  });

  test("a minder: exactly its own sandbox ends with driver_error and says so, whatever it was at", async () => {
    const [sandbox, paused, neighbour] = await Promise.all([host.create(), host.create(), host.create()]);
    const exec = await sandbox.exec({ command: "echo in; sleep 1000" }, context);
    const other = await neighbour.exec({ command: WAITS }, context);
    await until("they run", () => exec.info().stdoutBytes > 0 && other.info().stdoutBytes > 0);
    await paused.pause(context);
    for (const { id } of [sandbox, paused]) process.kill(minderPid(id), "SIGKILL");
    const { exit } = await finished(exec);
    assert.equal(exit.cause, "driver_error");
    assert.match(exit.reason ?? "", /the sandbox's minder, its parent process on the host, went away/);
    for (const { id } of [sandbox, paused]) {
      const { data } = await host.events.next("sandbox.terminated", id);
      assert.equal(data.cause, "driver_error");
      assert.match(data.reason ?? "", /the sandbox's minder, its parent process on the host, went away/);
      assert.equal(host.events.ofType("sandbox.terminated", id).length, 1);
      await noTraces(host.dataDir, id);
    }
    assert.equal((await run(neighbour, { command: "touch go" })).exit.code, 0);
    assert.equal((await finished(other)).stdout, "in\nout\n");
    await neighbour.terminate("user", context);
    await noTraces(host.dataDir, neighbour.id);
  });

  test("the native helper: what runs goes on, and new sandboxes are made at once", async (t) => {
    const warned = t.mock.method(process, "emitWarning", () => {});
    const [sandbox, python] = await Promise.all([host.create(), host.create({ template: "python" })]);
    const exec = await sandbox.exec({ command: WAITS }, context);
    const cell = await python.exec({ code: "x = 41; import time; time.sleep(0.5); x" }, context);
    await until("they run", () => exec.info().stdoutBytes > 0 && cell.info().state === "running");
    const minders = [sandbox, python].map(({ id }) => minderPid(id));
    const helper = parentPid(minders[0] as number);
    const restarts = host.runtime.stats().helperRestarts;
    process.kill(helper, "SIGKILL");
    const made = await Promise.all([host.create(), host.create(), host.create()]);
    for (const each of made) {
      assert.equal((await run(each, { command: "echo works" })).stdout, "works\n");
      assert.notEqual(parentPid(minderPid(each.id)), helper);
    }
    assert.equal(host.runtime.stats().helperRestarts, restarts + 1);
    const said = warned.mock.calls.map(({ arguments: [what] }) => String(what));
    assert.deepEqual(said, [
      `the native helper (process ${helper}) went away and is started again; sandboxes that run go on`,
    ]);

    assert.equal((await run(sandbox, { command: "touch go" })).exit.code, 0);
    assert.equal((await finished(exec)).stdout, "in\nout\n");
    assert.equal((await finished(cell)).exit.cause, "exited");
    assert.equal((await run(python, { code: "x + 1" })).exit.cause, "exited");
    assert.deepEqual(
      [sandbox, python].map(({ id }) => minderPid(id)),
      minders,
    );
    await sandbox.pause(context);
    await sandbox.resume(context);
    // The first that goes does so by its minder's death, as one of any helper does.
    process.kill(minders[0] as number, "SIGKILL");
    assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
    await python.terminate("user", context);
    for (const each of made) await each.terminate("user", context);
    for (const { id } of [sandbox, python, ...made]) {
      assert.equal(host.events.ofType("sandbox.terminated", id).length, 1);
      await noTraces(host.dataDir, id);
    }
    await until("the minders are gone", () => minders.every((pid) => !existsSync(`/proc/${pid}`)));
  });

  test("a sandbox of the pool: it is there when the helper has gone, and another is in its place when its minder has", async (t) => {
    t.mock.method(process, "emitWarning", () => {});
    await using pooling = await startRuntime({
      templates: { bash: { poolSize: 1 }, python: { poolSize: 0 } },
    });
    const pooled = (): string[] => readdirSync(join(pooling.dataDir, "sandboxes"));
    await pooling.runtime.ready();
    const [first = ""] = pooled();
    process.kill(parentPid(minderPid(first)), "SIGKILL");
    process.kill(minderPid(first), "SIGKILL");
    const [second = ""] = await until("another is in its place", () => {
      const ids = pooled().filter((id) => id !== first);
      return pooling.runtime.stats().pool.bash?.ready === 1 && ids.length === 1 && ids;
    });
    await noTraces(pooling.dataDir, first);
    process.kill(parentPid(minderPid(second)), "SIGKILL");
    const sandbox = await pooling.create();
    assert.equal(sandbox.id, second);
    assert.equal((await run(sandbox, { command: "echo pooled" })).stdout, "pooled\n");
    assert.equal(pooling.events.ofType("sandbox.terminated", first).length, 0, "nobody had it");
  });

  test("the native helper again and again while sandboxes are made: each is made or fails with a reason, and nothing is left", async (t) => {
    t.mock.method(process, "emitWarning", () => {});
    const known = await host.create();
    const minders = new Set<number>();
    let kills = 0;
    let isOver = false;
    const killing = (async () => {
      while (!isOver) {
        const helper = helperPid(process.pid);
        if (helper !== undefined) {
          for (const minder of childPids(helper)) minders.add(minder);
          process.kill(helper, "SIGKILL");
          kills++;
        }
        await delay(15);
      }
    })();
    const outcomes = await Promise.allSettled(Array.from({ length: 24 }, () => host.create()));
    isOver = true;
    await killing;
    assert.ok(kills > 1);
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") {
        assert.equal((await run(outcome.value, { command: "echo here" })).stdout, "here\n");
        await outcome.value.terminate("user", context);
        await noTraces(host.dataDir, outcome.value.id);
      } else assert.match(outcome.reason.message, /native helper went away/);
    }
    assert.equal((await run(known, { command: "echo here" })).stdout, "here\n");
    await known.terminate("user", context);
    await until("no sandbox has files", () => hostTraces(host.dataDir, "sandboxes/").files.length === 0);
    await until("no sandbox has a disk", () => hostTraces(host.dataDir, host.dataDir).loops.length === 0);
    assert.ok(minders.size > 0);
    await until("every minder is gone", () => [...minders].every((pid) => !existsSync(`/proc/${pid}`)));
  });
});

describe("when the daemon is killed", () => {
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "sg-"));
  });
  after(() => rm(dataDir, { recursive: true }));

  test("no process of its sandboxes survives it; the next start clears what is left; the output can be read", async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "daemon-in-a-process.ts"), dataDir, "3"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const execs = (JSON.parse(line.toString()) as string[]).map(
      (pair) => pair.split("/") as [string, string],
    );
    const ids = readdirSync(join(dataDir, "sandboxes"));
    assert.equal(ids.length, 4, "three sandboxes and a pooled one");
    for (const id of ids) assert.ok(livingPids(id).length > 0);

    child.kill("SIGKILL");
    await once(child, "exit");
    await until("every process is gone", () => ids.every((id) => sandboxPids(id).length === 0));
    await until("every disk is given back", () =>
      ids.every((id) => hostTraces(dataDir, id).loops.length === 0),
    );
    assert.ok(
      ids.some((id) => hostTraces(dataDir, id).cgroups.length > 0),
      "there is nothing to clear",
    );

    await using host = await startRuntime({ dataDir });
    for (const id of ids) await noTraces(dataDir, id);
    for (const [sandboxId, execId] of execs) {
      const { stdoutBytes } = await host.runtime.sealOutput(sandboxId, execId, {
        code: 137,
        cause: "host_crash",
        durationMs: 1,
      });
      const lines = await readLines(host.runtime.readOutput(sandboxId, execId) as AsyncIterable<string>);
      assert.ok(stdoutBytes > 0);
      assert.deepEqual(
        lines.map(({ seq }) => seq),
        lines.map((_, at) => at),
      );
      const exit = lines.at(-1);
      assert.equal(exit?.type === "exit" && exit.cause, "host_crash");
    }
    assert.equal((await run(await host.create(), { command: "echo again" })).stdout, "again\n");
  });

  for (const isolation of ["bubblewrap", "crun"] as const) {
    test(`in the middle of a fork: nothing of the parent, its children or the copies of its disk is left (${isolation})`, async () => {
      const script = join(import.meta.dirname, "daemon-that-forks.ts");
      const child = spawn(process.execPath, [script, dataDir, isolation], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const sandboxes = join(dataDir, "sandboxes");
      await once(child.stdout, "data");
      await until("a disk is copied", () =>
        readdirSync(sandboxes).some((name) => name.endsWith(".snapshot")),
      );
      const copies = readdirSync(sandboxes).filter((name) => name.endsWith(".snapshot"));
      child.kill("SIGKILL");
      await once(child, "exit");
      const ids = readdirSync(sandboxes).filter((name) => !name.includes("."));
      assert.ok(ids.length > 0 && copies.length > 0);
      // One that was stopped for the copy when it was killed dies with the next start, which lets it go on into its end.
      await using host = await startRuntime({ dataDir });
      await until("no process is left", () => ids.every((id) => sandboxPids(id).length === 0));
      for (const id of ids) await noTraces(dataDir, id);
      assert.deepEqual(readdirSync(sandboxes), []);
      assert.equal((await run(await host.create(), { command: "echo again" })).stdout, "again\n");
    });
  }
});
