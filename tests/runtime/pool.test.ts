import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  agentPid,
  callContext,
  hostTraces,
  noTraces,
  run,
  sandboxPids,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const context = callContext();

describe("the warm pool", () => {
  let host: TestRuntime;
  const pool = () => host.runtime.stats().pool.python;
  const isFull = () => until("it is full", () => pool()?.ready === pool()?.target);
  before(async () => {
    host = await startRuntime({
      templates: { python: { poolSize: 2, memoryMb: 128, diskMb: 64 } },
      defaults: { idleTimeoutMs: 0 },
    });
    await host.runtime.ready();
  });
  after(() => host.close());

  test("is full once it is ready, and only of what was asked for", () => {
    assert.deepEqual(host.runtime.stats().pool, {
      python: { ready: 2, target: 2, hits: 0, misses: 0 },
      node: { ready: 0, target: 0, hits: 0, misses: 0 },
      bash: { ready: 0, target: 0, hits: 0, misses: 0 },
    });
  });

  test("a sandbox comes from it, says so, and another takes its place", async () => {
    const sandbox = await host.create({ template: "python" });
    assert.equal(sandbox.info().source, "pool");
    assert.deepEqual(
      host.events.of(sandbox.id).map(({ type }) => type),
      ["sandbox.created", "sandbox.booted", "sandbox.claimed", "sandbox.started"],
    );
    const [created] = host.events.ofType("sandbox.created", sandbox.id);
    assert.equal(created?.data.source, "pool");
    assert.equal(pool()?.hits, 1);
    await isFull();
    // Its interpreter was there before it was asked for: the only process that the first cell finds.
    const python = sandboxPids(sandbox.id).length;
    assert.equal((await run(sandbox, { code: "6 * 7" })).result, "42");
    assert.ok(sandboxPids(sandbox.id).length <= python + 1);
    await sandbox.terminate("user", context);
  });

  test("nothing happened in it before: ids, time and execs are its own", async () => {
    const sandbox = await host.create({ template: "python" });
    assert.ok(Math.abs(Date.parse(sandbox.info().createdAt) - Date.now()) < 5000);
    assert.deepEqual(sandbox.execs(), []);
    assert.equal(
      (await run(sandbox, { code: "_x = 1; [n for n in dir() if not n.startswith('__')]" })).result,
      "['_x']",
    );
    await isFull();
    await sandbox.terminate("user", context);
  });

  test("what the request limits is limited, though it was made before the request", async () => {
    const sandbox = await host.create({
      template: "python",
      maxPids: 12,
      vcpu: 0.5,
      memoryMb: 200,
      maxOutputBytes: 1000,
      env: { A: "1" },
    });
    assert.equal(sandbox.info().source, "pool");
    const { limits } = sandbox.info();
    assert.deepEqual(
      [limits.maxPids, limits.vcpu, limits.memoryMb, limits.maxOutputBytes],
      [12, 0.5, 200, 1000],
    );
    const forks = await run(sandbox, {
      argv: [
        "python3",
        "-c",
        "import os, time\nn = 0\ntry:\n  while n < 50:\n    if os.fork() == 0: time.sleep(1000)\n    n += 1\nexcept OSError: pass\nprint(n)",
      ],
    });
    assert.ok(Number(forks.stdout) < 12, `${forks.stdout} children`);
    await run(sandbox, { command: "kill -9 -1" });
    assert.equal((await run(sandbox, { command: "yes" })).exit.cause, "output_limit");
    assert.equal((await run(sandbox, { argv: ["python3", "-c", "x = bytearray(150 << 20)"] })).exit.code, 0);
    const greedy = await run(sandbox, { argv: ["python3", "-c", "x = bytearray(300 << 20)"] });
    assert.deepEqual(
      [greedy.exit.cause, greedy.exit.reason],
      ["oom_killed", "the memory limit of 200 MiB was reached"],
    );
    assert.equal((await run(sandbox, { code: "import os; os.environ['A']" })).result, "'1'");
    await sandbox.terminate("user", context);
    await isFull();
  });

  test("another disk, or less memory than it has, is made on demand", async () => {
    const { misses = 0 } = pool() ?? {};
    const disk = await host.create({ template: "python", diskMb: 32 });
    const memory = await host.create({ template: "python", memoryMb: 64 });
    assert.deepEqual([disk.info().source, memory.info().source], ["on_demand", "on_demand"]);
    assert.equal(pool()?.misses, misses + 2);
    assert.equal(pool()?.ready, 2);
    const size = await run(disk, { command: "df -m --output=size / | tail -1" });
    assert.ok(Number(size.stdout) <= 32, size.stdout);
    await Promise.all([disk.terminate("user", context), memory.terminate("user", context)]);
  });

  test("more at once than it has are made on demand, all of them well", async () => {
    const sandboxes = await Promise.all(Array.from({ length: 5 }, () => host.create({ template: "python" })));
    const sources = sandboxes.map((sandbox) => sandbox.info().source).toSorted();
    assert.deepEqual(sources, ["on_demand", "on_demand", "on_demand", "pool", "pool"]);
    assert.equal(new Set(sandboxes.map(({ id }) => id)).size, 5);
    for (const sandbox of sandboxes) assert.equal((await run(sandbox, { code: "1 + 1" })).result, "2");
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
    await isFull();
  });

  test("one that dies while it waits is never given to anyone, and is replaced", async () => {
    await isFull();
    const owned = new Set(host.runtime.list("default", { ended: true }).map(({ id }) => id));
    const waiting = readdirSync(`${host.dataDir}/sandboxes`).filter((id) => !owned.has(id));
    assert.equal(waiting.length, 2);
    for (const id of waiting) process.kill(agentPid(id), "SIGKILL");
    const isReplaced = (): boolean =>
      readdirSync(`${host.dataDir}/sandboxes`).every((id) => !waiting.includes(id));
    await until("both are replaced", () => isReplaced() && pool()?.ready === 2);
    const sandbox = await host.create({ template: "python" });
    assert.equal(sandbox.info().source, "pool");
    assert.equal((await run(sandbox, { code: "'alive'" })).result, "'alive'");
    await isFull();
    for (const id of waiting) await noTraces(host.dataDir, id);
    await sandbox.terminate("user", context);
  });

  test("what waits in it is no sandbox of anyone: not listed, not counted, gone when the runtime closes", async () => {
    await using other = await startRuntime({ templates: { python: { poolSize: 1 } }, maxSandboxes: 1 });
    await other.runtime.ready();
    assert.deepEqual(
      [other.runtime.list("default"), other.runtime.stats().sandboxes, other.events.all],
      [[], {}, []],
    );
    const sandbox = await other.create({ template: "python" });
    assert.equal(sandbox.info().source, "pool");
    await until("it is full again", () => other.runtime.stats().pool.python?.ready === 1);
    const ids = readdirSync(`${other.dataDir}/sandboxes`);
    assert.equal(ids.length, 2);
    for (const id of ids) assert.ok(hostTraces(other.dataDir, id).pids.length > 0);
    await other.runtime.close("host_shutdown", 20_000);
    for (const id of ids) await noTraces(other.dataDir, id);
  });
});
