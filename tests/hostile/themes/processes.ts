import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { livingPids, until } from "@sandglass/testkit";
import type { Attack, Theme } from "../attack.ts";
import type { Scene } from "../scene.ts";

/** No exec of the neighbour may take longer: it is no delay then but a stop. */
const STOPPED_MS = 20_000;
/** Nor half of them, on a machine that others use as well, longer than this or than so many times what they took before. */
const SLOW_MS = 2_000;
const SLOW_TIMES = 20;
const RUNS = 5;
/** How long a bomb may take to go off: in a guest's kernel, on a machine that is full already, processes are slow to come. */
const EXPLODED_MS = 60_000;

/** How long execs of the neighbour take, in milliseconds, the shortest first. */
async function latencies({ host }: Scene): Promise<number[]> {
  const took: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    const { stdout } = await host.neighbour.sandbox.commands.run(["echo", "quiet"]);
    assert.equal(stdout, "quiet\n");
    took.push(performance.now() - startedAt);
  }
  return took.toSorted((a, b) => a - b);
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;

/** Work that takes all there is, beside a neighbour that must get its turn. */
function beside(name: string, command: readonly string[], options: Attack["options"] = {}): Attack {
  return {
    name: `${name}: the neighbour's execs go on, and the storm ends when it is told to`,
    options,
    async run(scene) {
      const before = await latencies(scene);
      const { ended, execId } = await scene.start(command, "storm");
      const beside = await latencies(scene);
      const most = Math.max(SLOW_MS, SLOW_TIMES * median(before));
      const told = `${beside.map(Math.round).join()} ms beside it, ${before.map(Math.round).join()} ms before`;
      // Where nothing holds a sandbox's processors it has them as any process does: its neighbours wait, and nobody promises for how long.
      const isHeld = !scene.host.lacks.includes("processor limit");
      assert.ok(!isHeld || (median(beside) <= most && (beside.at(-1) ?? 0) < STOPPED_MS), told);
      await scene.sandbox.execs.kill(execId);
      assert.equal((await ended).cause, "killed");
      assert.equal((await scene.run("echo served")).stdout, "served\n");
    },
  };
}

/** Of the host's processes; one that has just ended has none. */
function threads(pids: readonly number[]): number {
  return pids.map(threadsOf).reduce((sum, count) => sum + count, 0);
}

function threadsOf(pid: number): number {
  try {
    return Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return 0;
    throw error;
  }
}

/** Processes that will not end, and those that leave no room for others. */
export const processes: Theme = {
  name: "processes",
  attacks: [
    {
      name: "zombies and double forks are reaped: hundreds leave no process behind",
      options: { maxPids: 64 },
      async run(scene) {
        const left = await scene.python(`
import json, os
for _ in range(300):
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.waitpid(pid, 0)
def states(): return [open("/proc/%s/stat" % p).read().rsplit(")", 1)[1].split()[0] for p in os.listdir("/proc") if p.isdigit()]
import time
while True:
    try:
        if "Z" not in states(): break
    except OSError: pass
    time.sleep(0.01)
print(json.dumps("reaped"))`);
        assert.equal(left, "reaped");
      },
    },
    {
      name: "a daemon with a session of its own outlives its exec, is charged to nobody else, and ends with its sandbox",
      needs: ["control groups"],
      notOn: { gvisor: "what it uses is counted for the sandbox as a whole: an attack of its own says so" },
      async run(scene) {
        await scene.run(
          "setsid sh -c 'exec 1>&- 2>&-; while :; do :; done' & setsid sleep 4711 > /dev/null 2>&1 &",
        );
        const { execId } = await scene.run("sleep 0.3");
        const { cpuMs = 0 } = await scene.sandbox.execs.get(execId);
        assert.ok(cpuMs < 250, `${cpuMs} ms for a sleep`);
        assert.ok(scene.pids().length > 3);
      },
    },
    {
      name: "an exec that is killed takes all it started with it: sessions, subreapers, those that ignore every signal",
      needs: ["control groups"],
      notOn: { gvisor: "an exec there is its process group: an attack of its own says so" },
      async run(scene) {
        const { execId, ended } = await scene.start(
          [
            "python3",
            "-uc",
            `
import ctypes, os, signal, time
ctypes.CDLL(None).prctl(36, 1)
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        for n in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)
        if os.fork() == 0: os.setpgid(0, 0)
        while True: time.sleep(1)
print("ready"); time.sleep(1000)`,
          ],
          "ready",
        );
        // Forked, each has the command line of the first.
        const theirs = (): number =>
          livingPids(scene.sandbox.id).filter((pid) => commandLineOf(pid).includes("prctl(36, 1)")).length;
        await until("all nine are there", () => theirs() === 9);
        await scene.sandbox.execs.kill(execId);
        assert.equal((await ended).cause, "killed");
        await until("all of it is gone", () => theirs() === 0);
      },
    },
    {
      name: "everything stopped: execs after it run, the stopped ones end by their limit or with the sandbox",
      async run(scene) {
        const stopped = scene.run("sleep 0.2; kill -STOP $$; echo never", { timeoutMs: 1_000 });
        const cell = scene.cell("import os; os.kill(os.getpid(), 19)", { timeoutMs: 1_000 });
        assert.equal((await stopped).cause, "timed_out");
        assert.equal((await cell).cause, "timed_out");
        assert.equal((await scene.run("echo served")).stdout, "served\n");
      },
    },
    {
      name: "a fork bomb stays within maxPids, and its end is one call",
      needs: ["control groups"],
      options: { maxPids: 128 },
      notOn: { gvisor: "its processes are none of the host's: an attack of its own says so" },
      async run(scene) {
        const { execId, ended } = await scene.start(
          "echo storm; bomb() { bomb | bomb & }; bomb; sleep 1000",
          "storm",
        );
        await until("it has exploded", () => scene.pids().length > 60);
        assert.ok(scene.pids().length <= 140, `${scene.pids().length} processes`);
        await scene.sandbox.execs.kill(execId);
        assert.equal((await ended).cause, "killed");
      },
    },
    {
      name: "a fork bomb that nobody ends goes with its sandbox, in the middle of its forks",
      options: { maxPids: 256 },
      async run(scene) {
        const { ended } = await scene.start(
          [
            "python3",
            "-uc",
            "import os\nprint('storm')\nwhile True:\n  try: os.fork()\n  except OSError: pass",
          ],
          "storm",
        );
        await until("it has exploded", () => scene.pids().length > 100, EXPLODED_MS);
        await scene.sandbox.terminate();
        assert.equal((await ended).cause, "sandbox_ended");
      },
    },
    {
      name: "processes of a guest's kernel: what leaves an exec's group lives on, is the sandbox's, and ends with it",
      onlyOn: ["gvisor"],
      async run(scene) {
        const { execId, ended } = await scene.start(
          "sleep 4711 & setsid sh -c 'echo storm; while :; do sleep 0.05; echo x >> /workspace/ticks; done'",
          "storm",
        );
        await scene.sandbox.execs.kill(execId);
        assert.equal((await ended).cause, "killed");
        const { stdout } = await scene.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
        assert.ok(!stdout.includes("sleep 4711"), stdout);
        await scene.sandbox.terminate();
        assert.deepEqual(livingPids(scene.sandbox.id), []);
      },
    },
    {
      name: "a fork bomb in a guest's kernel stays within maxPids, its end is one call, and the sandbox lives on",
      options: { maxPids: 64, memoryMb: 512 },
      onlyOn: ["gvisor"],
      async run(scene) {
        const { execId, ended } = await scene.start(
          "echo storm; bomb() { bomb | bomb & }; bomb; sleep 1000",
          "storm",
        );
        let most = 0;
        await until("it has exploded", async () => {
          most = Math.max(most, threads(scene.pids()));
          await scene.host.neighbour.assertQuiet();
          return most > 256;
        });
        assert.ok(most <= 16 * 64 + 1024, `${most} threads`);
        await scene.sandbox.execs.kill(execId);
        assert.equal((await ended).cause, "killed");
        assert.equal((await scene.run("echo served")).stdout, "served\n");
      },
    },
    {
      name: "a parent that waits for a stopped child can be ended",
      async run(scene) {
        const { execId, ended } = await scene.start(
          ["sh", "-c", "mkfifo p; echo storm; (echo x > p) & sleep 0.1; kill -STOP $!; wait"],
          "storm",
        );
        await scene.sandbox.execs.kill(execId);
        assert.equal((await ended).cause, "killed");
      },
    },
    {
      name: "names of processes with line breaks and escapes are in no line of the daemon's log",
      async run(scene) {
        await scene.run([
          "python3",
          "-c",
          "import ctypes\nctypes.CDLL(None).prctl(15, b'\\x1b[2J\\nERROR forged', 0, 0, 0)\nraise SystemExit(1)",
        ]);
        assert.doesNotMatch(scene.host.daemon.logs(), /\u001b|^ERROR forged/m);
      },
    },
    beside("a storm of computing", [
      "python3",
      "-uc",
      "import os\nprint('storm')\nfor _ in range(5): os.fork()\nwhile True: pass",
    ]),
    beside("a storm of wake-ups", [
      "python3",
      "-uc",
      "import os, signal, threading, time\nprint('storm')\nfor _ in range(4): os.fork()\ndef spin():\n  while True: time.sleep(0.00001)\nfor _ in range(7): threading.Thread(target=spin).start()",
    ]),
    beside("a storm of forks", ["sh", "-c", "echo storm; while :; do (:) & (:) & (:); done"], {
      maxPids: 200,
    }),
    beside("a storm of writes to the disk", [
      "python3",
      "-uc",
      "import os\nprint('storm')\nf = os.open('f', os.O_RDWR | os.O_CREAT)\nwhile True:\n  os.pwrite(f, bytes(1 << 20), 0); os.fsync(f)",
    ]),
    beside("a storm of output", ["sh", "-c", "echo storm; yes & yes >&2"], { maxOutputBytes: 1024 ** 4 }),
  ],
};

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
