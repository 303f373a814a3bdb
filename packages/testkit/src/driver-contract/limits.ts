import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxLimits } from "@sandglass/protocol";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

/** Each limit, reached on purpose. Of one that the driver says it cannot enforce on this host, that it says so to whoever uses it. */
export function limitsContract(host: () => DriverUnderTest): void {
  describe("limits", () => {
    const limits = { memoryMb: 96, maxPids: 24, vcpu: 0.25, diskMb: 16 };
    let sandbox: ContractSandbox;
    let neighbour: ContractSandbox;
    before(async () => {
      [sandbox, neighbour] = await Promise.all([
        ContractSandbox.create(host().driver, limits),
        ContractSandbox.create(host().driver, { ...limits, vcpu: 1 }),
      ]);
    });
    after(async () => {
      await Promise.all([sandbox.end(), neighbour.end()]);
    });

    /** What is not enforced is in the sandbox's description, with a reason that tells its user something. */
    const isEnforced = (limit: keyof SandboxLimits): boolean => {
      const said = host().driver.unenforced.filter((entry) => entry.limit === limit);
      if (said.length === 0) return true;
      assert.equal(said.length, 1, `${limit} is excused once`);
      assert.match(said[0]?.reason ?? "", /\w+ \w+ \w+/);
      return false;
    };

    test("memory: what goes beyond is killed, and the neighbour lives on", async () => {
      if (!isEnforced("memoryMb")) return;
      const small = await ContractSandbox.create(host().driver, limits);
      const greedy = await small.start(["python3", "-c", "x = bytearray(400 << 20); x[:] = b'1' * len(x)"]);
      if (host().driver.capabilities.hasGuestKernel) {
        await assert.rejects(greedy.ended, /went away/); // the limit meets its kernel, and with it all of it
        assert.ok(small.driver.diedOfMemory());
      } else {
        assert.equal((await greedy.ended).signal, 9);
        assert.equal(small.driver.diedOfMemory(), false);
      }
      assert.equal(await neighbour.shell("echo here"), "here\n");
      await small.end();
    });

    test("memory: the process that goes beyond is counted in its own group alone", async () => {
      if (!isEnforced("memoryMb")) return;
      if (host().driver.capabilities.hasGuestKernel) {
        // Its processes have no groups: what is counted is the sandbox, beside others too much and never too little.
        const quiet = await sandbox.start(["sleep", "0.2"]);
        const busy = await sandbox.start(["python3", "-c", "x = bytearray(8 << 20); x[:] = b'1' * len(x)"]);
        await Promise.all([quiet.ended, busy.ended]);
        const { memoryPeakBytes, oomKills } = quiet.group.usage();
        assert.ok(memoryPeakBytes > 0 && memoryPeakBytes <= 96 << 20, `peak ${memoryPeakBytes}`);
        return assert.equal(oomKills, 0);
      }
      const modest = await sandbox.start(["python3", "-c", "x = bytearray(8 << 20)"]);
      const greedy = await sandbox.start(["python3", "-c", "x = bytearray(400 << 20)"]);
      const [{ code }, { signal }] = await Promise.all([modest.ended, greedy.ended]);
      assert.equal(signal, 9);
      assert.equal(code, 0);
      assert.equal(greedy.group.usage().oomKills, 1);
      assert.equal(modest.group.usage().oomKills, 0);
      const { memoryPeakBytes } = greedy.group.usage();
      assert.ok(memoryPeakBytes <= 96 << 20 && memoryPeakBytes > 32 << 20, `peak ${memoryPeakBytes}`);
      assert.equal(await sandbox.shell("echo the sandbox lives on"), "the sandbox lives on\n");
    });

    test("pids: fork answers EAGAIN, and works again once there is room", async () => {
      if (!isEnforced("maxPids")) return;
      // A guest's kernel takes memory of its own for each process.
      const roomy = await ContractSandbox.create(host().driver, { ...limits, memoryMb: 384 });
      const made = await roomy.python<{ count: number; error: string }>(`
import errno, json, os, signal, time
children, error = [], None
while error is None and len(children) < 100:
    try:
        pid = os.fork()
        if pid == 0: time.sleep(1000)
        children.append(pid)
    except OSError as e: error = errno.errorcode[e.errno]
for pid in children: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
print(json.dumps({"count": len(children), "error": error}))`);
      assert.equal(made.error, "EAGAIN");
      assert.ok(made.count > 0 && made.count < limits.maxPids, `${made.count} children`);
      assert.equal(await roomy.shell("echo again"), "again\n");
      await roomy.end();
    });

    test("cpu: two processes together get the quota, not a processor each", async () => {
      if (!isEnforced("vcpu")) return;
      const spin = `
import json, os, time
end = time.monotonic() + 1
while time.monotonic() < end: pass
print(json.dumps(sum(os.times()[:2])))`;
      const before = { cpuMs: sandbox.driver.usage().cpuMs, at: performance.now() };
      const [a, b] = await Promise.all([sandbox.python<number>(spin), sandbox.python<number>(spin)]);
      const used = sandbox.driver.usage().cpuMs - before.cpuMs;
      const allowed = (performance.now() - before.at) * limits.vcpu;
      assert.ok(used <= allowed + 200, `${used} ms of processor time where ${allowed} were to be had`);
      if (host().driver.capabilities.hasGuestKernel) return; // what it tells its processes is an estimate
      // A quarter of the second, and what one period of the quota and the interpreters' starts may add.
      assert.ok(a + b < 0.75, `${a} + ${b} s of processor time in one second`);
    });

    test("disk: writing ends with ENOSPC, the neighbour's disk is as empty as before", async () => {
      if (!isEnforced("diskMb")) return;
      const free = neighbour.driver.disk()?.freeBytes;
      const size = sandbox.driver.disk()?.sizeBytes ?? 0;
      assert.ok(size > 0 && size <= limits.diskMb << 20, `${size} bytes`);
      const { code, stderr } = await sandbox.run(["dd", "if=/dev/zero", "of=/workspace/fill", "bs=64k"]);
      assert.equal(code, 1);
      assert.match(stderr, /No space left on device/);
      assert.ok((sandbox.driver.disk()?.freeBytes ?? 1) < 64 << 10);
      const usr = host().driver.capabilities.hasWritableUsr ? ["/usr"] : [];
      for (const where of ["/tmp", ...usr, "/var/tmp", "/root"]) {
        const { stderr } = await sandbox.run(["/bin/sh", "-c", `head -c 1M /dev/zero > ${where}/more`]);
        assert.match(stderr, /No space left on device/, `${where} is no part of the disk`);
      }
      assert.equal(neighbour.driver.disk()?.freeBytes, free);
      await neighbour.shell("head -c 4M /dev/zero > /workspace/room");
      await sandbox.shell(
        "rm -f /workspace/fill /tmp/more /usr/more /var/tmp/more /root/more; echo room > /workspace/again",
      );
    });

    test("nothing can be written but on the disk, or where it counts as memory", async () => {
      if (!isEnforced("diskMb") || !isEnforced("memoryMb")) return;
      const disk = host().driver.capabilities.hasGuestKernel ? "v9fs" : "overlayfs";
      const writable = await sandbox.shell(
        "cut -d' ' -f2 /proc/mounts | while read m; do (f=$m/.probe; : > $f && rm $f && stat -f -c '%T '$m $m) 2>/dev/null; done; true",
      );
      const kinds = writable
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]);
      // A tmpfs counts against the memory of whoever fills it; anything else must be the sandbox's own disk.
      assert.deepEqual(
        kinds.filter((kind) => kind !== disk && kind !== "tmpfs"),
        [],
      );
      if (host().driver.capabilities.hasGuestKernel) return; // its end at the limit is a test of its own
      const filler = await ContractSandbox.create(host().driver, { memoryMb: 32 });
      assert.equal((await filler.run(["head", "-c", "1M", "/dev/zero"])).code, 0);
      const filled = await filler.run(["dd", "if=/dev/zero", "of=/dev/shm/fill", "bs=1M", "count=64"]);
      assert.notEqual(filled.code, 0, "64 MiB in memory of 32");
      await filler.end();
    });

    test("open files: one more than allowed answers EMFILE", async () => {
      const process = await sandbox.start(
        [
          "python3",
          "-c",
          "import os\ntry:\n  while True: os.open('/dev/null', 0)\nexcept OSError as e: print(e.errno)",
        ],
        { maxOpenFiles: 64 },
      );
      assert.equal((await process.ended).stdout, "24\n");
    });

    test("limits can be changed while it runs", async () => {
      if (!isEnforced("memoryMb") || !isEnforced("maxPids")) return;
      if (neighbour.driver.hasFixedPids) {
        assert.throws(
          () => neighbour.driver.setLimits({ ...BIGGER, maxPids: 200 }),
          /was set when it was made/,
        );
        return;
      }
      const alloc = ["python3", "-c", "x = bytearray(150 << 20)"];
      assert.equal((await neighbour.run(alloc)).signal, 9);
      neighbour.driver.setLimits({ ...BIGGER, maxPids: 200 });
      assert.equal((await neighbour.run(alloc)).code, 0);
      await neighbour.shell('for i in $(seq 60); do sleep 1000 & p="$p $!"; done; kill $p; wait');
      neighbour.driver.setLimits({ ...BIGGER, memoryMb: 96, maxPids: 24 });
      assert.equal((await neighbour.run(alloc)).signal, 9);
    });
  });
}

const BIGGER: SandboxLimits = {
  vcpu: 1,
  memoryMb: 256,
  diskMb: 16,
  maxPids: 24,
  maxOpenFiles: 1024,
  maxOutputBytes: 1 << 20,
  maxConcurrentExecs: 32,
  timeoutMs: 0,
  idleTimeoutMs: 0,
};
