/**
 * Runs in the guest, as its root: a daemon that systemd starts, with control groups of version 2 alone, keeps its promises.
 * `SANDGLASS_UNIT` is the unit's name.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Client, type CreateSandboxOptions, type Sandbox, SandglassError } from "sandglass";

const UNIT = process.env.SANDGLASS_UNIT ?? "sandglass";
const isRoot = UNIT === "sandglass-root";
const GROUPS = "/sys/fs/cgroup";
const HOME = isRoot ? "/root" : "/var/lib/sandglass";
const LIMITS = { template: "python", memoryMb: 192, diskMb: 32, maxPids: 64 } as const;
/** A program under emulation takes seconds for what is done in milliseconds elsewhere. */
const PATIENCE_MS = 900_000;

function systemctl(...args: string[]): string {
  return execFileSync("systemctl", args, { encoding: "utf8" }).trim();
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await delay(500);
  }
}

/** Walked by hand: groups of others come and go meanwhile. */
function groupsOf(id: string, directory = GROUPS): string[] {
  let names: string[];
  try {
    names = readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return []; // it has gone
  }
  return names.flatMap((name) => {
    const path = join(directory, name);
    return name === id ? [path] : groupsOf(id, path);
  });
}

function groupOf(id: string): string {
  const [group] = groupsOf(id);
  assert.ok(group !== undefined, `${id} has no control group`);
  return group;
}

function counted(group: string, file: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(readFileSync(join(group, file), "utf8"))?.[1]);
}

describe(`${UNIT}.service`, () => {
  let client: Client;
  let sandbox: Sandbox;
  before(async () => {
    systemctl("start", UNIT);
    await until("it is ready", async () => {
      const answer = await fetch("http://127.0.0.1:7070/readyz").catch(() => undefined);
      return answer?.status === 200;
    });
    process.env.SANDGLASS_CREDENTIALS = `${HOME}/.config/sandglass/credentials.json`;
    client = new Client({ sdkOtelEnabled: false });
    sandbox = await create(LIMITS);
    // An interpreter may take half a minute to greet, and on a busy host this emulated one takes more.
    await until("its interpreter is up", async () => (await sandbox.runCode("x = 41")).exitCode === 0);
  });
  /** What is silent for 20 s is started again, as the collector may be here; until it is back there are no new sandboxes. */
  async function create(options: CreateSandboxOptions): Promise<Sandbox> {
    let made: Sandbox | undefined;
    await until("a sandbox is made", async () => {
      made = await client.sandboxes.create(options).catch((error: unknown) => {
        if (error instanceof SandglassError && error.code === "DRIVER_ERROR") return undefined;
        throw error;
      });
      return made !== undefined;
    });
    return made as Sandbox;
  }
  after(async () => {
    await client?.close();
    systemctl("stop", UNIT);
  });

  test("has every limit enforced by control groups of version 2", async () => {
    assert.deepEqual((await sandbox.info()).unenforced, []);
    const { checks } = await client.doctor();
    const saying = (name: string) => checks.find((check) => check.name === name)?.detail ?? "";
    assert.equal(saying("cgroups"), "memory v2, pids v2, cpu v2, freeze and kill v2");
    assert.match(saying("privileges"), isRoot ? /^root;/ : /^uid 999, not root/);
    if (!isRoot) assert.equal(saying("users"), "each sandbox is a user of its own, of 65536");
    const where = isRoot ? `${GROUPS}/sandglass/` : `${GROUPS}/system.slice/sandglass.service/sandglass/`;
    assert.ok(groupOf(sandbox.id).startsWith(where), groupOf(sandbox.id));
  });

  test("runs cells that remember, and commands", async () => {
    assert.equal((await sandbox.runCode("x + 1")).result?.["text/plain"], "42");
    const ran = await sandbox.commands.run("cat; id -u; exit 3", { stdin: "in\n" });
    assert.deepEqual([ran.stdout, ran.exitCode, ran.cause], ["in\n0\n", 3, "exited"]);
  });

  test("writes files, in /usr too where it is root's", async () => {
    await sandbox.files.write("data", "sand");
    assert.equal(Buffer.from(await sandbox.files.read("data")).toString(), "sand");
    const { exitCode } = await sandbox.commands.run("echo mine > /usr/mine");
    assert.equal(exitCode === 0, isRoot);
  });

  test("ends what takes more memory than it may with oom_killed, and the service goes on", async () => {
    const ran = await sandbox.commands.run("python3 -c 'b = bytearray(1 << 30)'");
    assert.equal(ran.cause, "oom_killed");
    assert.ok(counted(groupOf(sandbox.id), "memory.events", "oom_kill") >= 1);
    assert.equal((await sandbox.runCode("x")).result?.["text/plain"], "41");
    assert.equal(systemctl("is-active", UNIT), "active");
  });

  test("counts what a cell had of memory at most, for each cell alone since Linux 6.12", async () => {
    const peakMib = async (code: string): Promise<number> => {
      const { execId } = await sandbox.runCode(code);
      return ((await sandbox.execs.get(execId)).maxRssBytes ?? 0) / 1024 ** 2;
    };
    const large = await peakMib("b = bytearray(80 << 20); del b");
    const small = await peakMib("x");
    assert.ok(large > 80, `${large} MiB`);
    const [major = 0, minor = 0] = release().split(".").map(Number);
    const isAlone = major > 6 || (major === 6 && minor >= 12);
    assert.equal(small < 80, isAlone, `${small} MiB after ${large}, Linux ${release()}`);
  });

  test("holds processes to their limit", async () => {
    const code =
      "import os, signal\nchildren = []\ntry:\n  while True:\n    pid = os.fork()\n    if pid == 0: signal.pause()\n    children.append(pid)\nexcept BlockingIOError: pass\nfor pid in children: os.kill(pid, 9)\nfor pid in children: os.waitpid(pid, 0)\nlen(children)";
    const count = Number((await sandbox.runCode(code)).result?.["text/plain"]);
    assert.ok(count > 10 && count < LIMITS.maxPids, `${count} processes`);
  });

  test("holds a sandbox to its share of a processor", async () => {
    await using slow = await create({ ...LIMITS, template: "bash", vcpu: 0.25 });
    const group = groupOf(slow.id);
    const throttled = counted(group, "cpu.stat", "nr_throttled");
    const used = counted(group, "cpu.stat", "usage_usec");
    const started = performance.now();
    const ran = await slow.commands.run("while :; do :; done & while :; do :; done", { timeoutMs: 10_000 });
    assert.equal(ran.cause, "timed_out");
    const share = (counted(group, "cpu.stat", "usage_usec") - used) / 1000 / (performance.now() - started);
    assert.ok(counted(group, "cpu.stat", "nr_throttled") > throttled, "it was never throttled");
    // A quarter; an emulated clock ticks late, and two processors would be two.
    assert.ok(share < 0.75, `it had ${share.toFixed(2)} of a processor`);
  });

  test("fills a disk and no more", async () => {
    const ran = await sandbox.commands.run("dd if=/dev/zero of=/workspace/fill bs=64k");
    assert.equal(ran.cause, "disk_full");
    await sandbox.commands.run("rm /workspace/fill");
  });

  test("pauses and resumes", async () => {
    assert.equal((await sandbox.pause()).state, "paused");
    assert.equal(counted(groupOf(sandbox.id), "cgroup.events", "frozen"), 1);
    assert.equal((await sandbox.resume()).state, "running");
    assert.equal((await sandbox.runCode("x")).result?.["text/plain"], "41");
  });

  test("leaves nothing of a sandbox that ended", async () => {
    const gone = await create({ ...LIMITS, template: "bash" });
    await gone.commands.run("setsid sleep 4711 >/dev/null 2>&1 &");
    await gone.terminate();
    await until("its group is gone", () => groupsOf(gone.id).length === 0);
    await until("its processes are gone", () => !isRunning("sleep\u00004711"));
  });

  test("started again by systemd after a SIGKILL, says how its sandboxes ended", async () => {
    const before = systemctl("show", "--property=MainPID", "--value", UNIT);
    process.kill(Number(before), "SIGKILL");
    await until("another is ready", async () => {
      const answer = await fetch("http://127.0.0.1:7070/readyz").catch(() => undefined);
      return answer?.status === 200 && systemctl("show", "--property=MainPID", "--value", UNIT) !== before;
    });
    const causes: string[] = [];
    for await (const event of client.events({ sandboxId: sandbox.id, types: ["sandbox.terminated"] }))
      if (event.type === "sandbox.terminated") causes.push(event.data.cause);
    assert.deepEqual(causes, ["host_crash"]);
    assert.deepEqual(groupsOf(sandbox.id), []);
    const again = await create({ ...LIMITS, template: "bash" });
    assert.equal((await again.commands.run("echo again")).stdout, "again\n");
  });

  test("stopped by systemd it ends its sandboxes in time, by itself", async () => {
    const alive = await create({ ...LIMITS, template: "bash" });
    systemctl("stop", UNIT);
    assert.equal(systemctl("show", "--property=Result", "--value", UNIT), "success");
    assert.deepEqual(groupsOf(alive.id), []);
    assert.ok(!isRunning("sandglass-agent"));
  });
});

function isRunning(text: string): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .some((name) => commandOf(name).includes(text));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has gone
  }
}
