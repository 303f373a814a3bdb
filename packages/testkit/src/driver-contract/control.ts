import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { agentPid, hostTraces, livingPids, noTraces } from "../host-traces.ts";
import { until } from "../until.ts";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

const BUSY = ["/bin/sh", "-c", "while :; do :; done"];
/** In Python: prints the milliseconds of processor time that it takes. */
const COUNT_UP = "import os\nx = 0\nfor i in range(1000000): x += i\nprint(os.times().user * 1000)";

/** The host's hand on a sandbox: freezing, counting, ending. */
export function controlContract(host: () => DriverUnderTest): void {
  const create = (): Promise<ContractSandbox> => ContractSandbox.create(host().driver);

  describe("control", () => {
    test("a frozen sandbox uses no processor time, and goes on where it was", async (t) => {
      if (!host().driver.capabilities.canPause) return t.skip("this driver cannot pause");
      const [sandbox, clock] = await Promise.all([create(), create()]);
      const { group } = await sandbox.start(BUSY);
      await until("it runs", () => group.usage().cpuMs > 5);
      await sandbox.driver.freeze(true);
      const frozen = group.usage().cpuMs;
      await clock.shell("i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"); // time in which it would have run
      assert.equal(group.usage().cpuMs, frozen);
      await sandbox.driver.freeze(false);
      await until("it runs on", () => group.usage().cpuMs > frozen);
      await Promise.all([sandbox.end(), clock.end()]);
    });

    test("usage counts processor time, memory and processes of the whole sandbox", async () => {
      const sandbox = await create();
      const before = sandbox.driver.usage();
      const { stdout } = await sandbox.run(["python3", "-c", COUNT_UP]);
      const used = sandbox.driver.usage().cpuMs - before.cpuMs;
      // What a kernel of its own tells its processes is an estimate by the clock, too much on a busy host: there it is what the same takes here.
      const said = host().driver.capabilities.hasGuestKernel
        ? Number(execFileSync("python3", ["-c", COUNT_UP], { encoding: "utf8" })) / 2
        : Number(stdout);
      assert.ok(said > 0 && used >= said, `${used} ms counted, ${said} used`);
      const holder = await sandbox.start([
        "python3",
        "-c",
        "x = bytearray(64 << 20); print(1, flush=True); import time; time.sleep(1000)",
      ]);
      await until("it holds memory", () => holder.stdout !== "");
      assert.ok(sandbox.driver.usage().memoryBytes > 64 << 20);
      assert.ok(sandbox.driver.usage().pids > before.pids);
      await sandbox.end();
    });

    test("kill and release leave nothing: no process, mount, loop device, control group or file", async () => {
      const sandbox = await create();
      // A daemon of the sandbox's own, out of its session, its group and its parent's reach.
      const spawned = await sandbox.run([
        "/bin/sh",
        "-c",
        "setsid sh -c 'trap : TERM INT HUP; while :; do sleep 1000; done' </dev/null >/dev/null 2>&1 &",
      ]);
      assert.equal(spawned.code, 0);
      while (!(await sandbox.shell("cat /proc/[0-9]*/comm")).includes("sleep"));
      const alive = hostTraces(host().dataDir, sandbox.id);
      assert.ok(
        alive.pids.length >= 3 && alive.cgroups.length > 0 && alive.files.length > 0,
        JSON.stringify(alive),
      );
      // An ordinary user's sandboxes have their disks in memory.
      if (host().driver.capabilities.hasDiskLimit && process.getuid?.() === 0)
        assert.equal(alive.loops.length, 1);
      assert.deepEqual(alive.mounts, [], "its mounts are in the host's own namespace");
      await sandbox.end();
      await noTraces(host().dataDir, sandbox.id);
    });

    test("kill resolves when the processes are gone, and may be repeated", async () => {
      const sandbox = await create();
      await sandbox.start(BUSY);
      await Promise.all([sandbox.driver.kill(), sandbox.driver.kill()]);
      assert.deepEqual(livingPids(sandbox.id), []);
      await sandbox.driver.kill();
      await Promise.all([sandbox.driver.release(), sandbox.driver.release()]);
      await sandbox.driver.release();
      await noTraces(host().dataDir, sandbox.id);
      sandbox.agent.close();
    });

    test("a frozen sandbox can be killed once it is thawed, with nothing left", async (t) => {
      if (!host().driver.capabilities.canPause) return t.skip("this driver cannot pause");
      const sandbox = await create();
      await sandbox.start(BUSY);
      await sandbox.driver.freeze(true);
      await sandbox.driver.freeze(false);
      await sandbox.end();
      await noTraces(host().dataDir, sandbox.id);
    });

    test("its end is told once to each who asked, also afterwards, and its socket closes", async () => {
      const sandbox = await create();
      let told = 0;
      sandbox.driver.onExit(() => told++);
      const closed = new Promise<void>((resolve) => {
        sandbox.agent.onClose = () => resolve();
      });
      await sandbox.driver.kill();
      await closed;
      await until("it is told", () => told === 1);
      await new Promise<void>((resolve) => sandbox.driver.onExit(resolve));
      assert.equal(told, 1);
      await sandbox.driver.release();
    });

    test("an agent killed from outside takes its own sandbox along, and no other", async () => {
      const [sandbox, other] = await Promise.all([create(), create()]);
      await sandbox.start(BUSY);
      const exited = new Promise<void>((resolve) => sandbox.driver.onExit(resolve));
      process.kill(agentPid(sandbox.id), "SIGKILL");
      await exited;
      await until("its processes are gone", () => livingPids(sandbox.id).length === 0);
      assert.equal(await other.shell("echo here"), "here\n");
      await Promise.all([sandbox.end(), other.end()]);
      await noTraces(host().dataDir, sandbox.id);
    });

    test("a sandbox that cannot be built is refused, and leaves nothing", async () => {
      const source = await mkdtemp(join(tmpdir(), "sg-gone-"));
      await rm(source, { recursive: true });
      const before = readdirSync(join(host().dataDir, "sandboxes"));
      await assert.rejects(ContractSandbox.create(host().driver, {}, [{ source, target: "/srv/data" }]));
      await until(
        "it is cleared away",
        () => readdirSync(join(host().dataDir, "sandboxes")).length === before.length,
      );
    });

    test("many made at once are all different, and all end", async () => {
      const sandboxes = await Promise.all(Array.from({ length: 6 }, create));
      const names = await Promise.all(
        sandboxes.map((sandbox, at) => sandbox.shell(`echo ${at} > /tmp/me; cat /tmp/me`)),
      );
      assert.deepEqual(names, ["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
      await Promise.all(sandboxes.map((sandbox) => sandbox.end()));
      for (const sandbox of sandboxes) await noTraces(host().dataDir, sandbox.id);
    });
  });
}
