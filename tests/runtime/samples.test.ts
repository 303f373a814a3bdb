import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { agentPid, callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const MIB = 1024 * 1024;

describe("what a sandbox uses", () => {
  let host: TestRuntime;
  before(async () => {
    const costRates = { cpuHourUsd: 3600, memoryGbHourUsd: 0 };
    host = await startRuntime({ sampling: { intervalMs: 100, costRates }, defaults: { idleTimeoutMs: 0 } });
  });
  after(() => host.close());

  const samplesOf = (sandboxId: string) => host.events.ofType("resource.sample", sandboxId);

  test("is told at its start and at its end, however short it was, on the span of its creation", async () => {
    const sandbox = await host.create();
    await sandbox.terminate("user", callContext());
    const events = host.events.of(sandbox.id);
    const types = events.map(({ type }) => type);
    assert.deepEqual(types.slice(0, 4), [
      "sandbox.created",
      "sandbox.booted",
      "sandbox.started",
      "resource.sample",
    ]);
    assert.deepEqual(types.slice(-3), ["resource.sample", "cost.runtime", "sandbox.terminated"]);
    const [created] = events;
    for (const event of events.filter(({ level }) => level === "debug")) {
      assert.deepEqual([event.traceId, event.spanId], [created?.traceId, created?.spanId]);
    }
    const first = samplesOf(sandbox.id)[0]!.data;
    assert.ok(first.memoryUsageBytes > 0 && first.pids > 0 && first.diskUsageBytes > 0);
    assert.deepEqual([first.cpuMs, first.cpuUtilization, first.uptimeMs], [0, 0, 0]);
  });

  test("is its processor time, memory, disk and processes, by its own limits", async () => {
    const sandbox = await host.create({ vcpu: 0.5, memoryMb: 256, diskMb: 64 });
    const busy = await sandbox.exec(
      { code: "head -c 9000000 /dev/zero > /tmp/big; while :; do :; done", language: "bash" },
      callContext(),
    );
    const { data } = await until("it is held back and has written", () =>
      samplesOf(sandbox.id).find(
        ({ data }) => data.throttledMs! > 0 && data.cpuUtilization > 0.5 && data.diskUsageBytes > 9e6,
      ),
    );
    assert.deepEqual([data.cpuLimit, data.memoryLimitBytes], [0.5, 256 * MIB]);
    assert.ok(data.diskLimitBytes > 32 * MIB && data.diskLimitBytes <= 64 * MIB, `${data.diskLimitBytes}`);
    assert.ok(data.cpuMs! > 0 && data.uptimeMs! > 0 && data.cpuUtilization <= 1);
    await busy.kill("SIGKILL", callContext());
    await busy.completed;
    await sandbox.terminate("user", callContext());
    const cost = host.events.ofType("cost.runtime", sandbox.id).map(({ data }) => data);
    const last = samplesOf(sandbox.id).at(-1)!.data;
    assert.deepEqual(
      cost.map(({ cpuMs, memoryMbMs }) => [cpuMs, memoryMbMs]),
      [[last.cpuMs, Math.round(last.uptimeMs! * 256)]],
    );
    assert.ok(Math.abs(cost[0]!.costUsd - last.cpuMs! / 1000) < 1e-9);
  });

  test("counts processes killed for memory, also when their exec has ended", async () => {
    const sandbox = await host.create({ memoryMb: 64 });
    const { exit } = await run(sandbox, { command: "head -c 200000000 /dev/zero | tail" });
    assert.equal(exit.cause, "oom_killed");
    await sandbox.terminate("user", callContext());
    assert.ok(samplesOf(sandbox.id).at(-1)!.data.oomKills >= 1);
  });

  test("is told of a paused one too, which is not woken by it", async () => {
    const sandbox = await host.create();
    await sandbox.pause(callContext());
    const { length } = samplesOf(sandbox.id);
    await until("it was sampled", () => samplesOf(sandbox.id).length > length + 2);
    const [before, ...later] = samplesOf(sandbox.id).slice(length);
    for (const { data } of later) assert.equal(data.cpuMs, before?.data.cpuMs);
    assert.equal(sandbox.info().state, "paused");
    await sandbox.terminate("user", callContext());
  });

  test("is told of one that was lost", async () => {
    const sandbox = await host.create();
    process.kill(agentPid(sandbox.id), "SIGKILL");
    assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
    assert.ok(samplesOf(sandbox.id).length >= 2);
    assert.equal(host.events.ofType("cost.runtime", sandbox.id).length, 1);
  });
});
