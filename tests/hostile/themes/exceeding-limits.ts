import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { callHttp } from "@sandglass/testkit";
import { SandglassError } from "sandglass";
import type { Theme } from "../attack.ts";
import type { Scene } from "../scene.ts";

const SMALL = { memoryMb: 64, diskMb: 16, maxPids: 32, vcpu: 0.5 };

/** Takes as many as it gets, up to so many, and says how many that were. */
const TAKE_WATCHES = (most: number): string => `
import ctypes, json, time
libc = ctypes.CDLL(None, use_errno=True)
taken = 0
while taken < ${most} and libc.inotify_init() >= 0: taken += 1
print(json.dumps(taken))`;
const TAKE_TIMERS = (most: number): string => `
import ctypes, json, time
libc = ctypes.CDLL(None, use_errno=True)
class Event(ctypes.Structure): _fields_ = [("value", ctypes.c_void_p), ("signo", ctypes.c_int), ("notify", ctypes.c_int), ("pad", ctypes.c_char * 48)]
event, timer, taken = Event(None, 10, 0), ctypes.c_void_p(), 0
while taken < ${most} and libc.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0: taken += 1
print(json.dumps(taken))`;

/** Takes all there is and holds it, while the neighbour wants ten. Returns how many that were. */
async function takeAll(scene: Scene, take: (most: number) => string): Promise<number> {
  const holding = ["python3", "-uc", `${take(200_000)}\ntime.sleep(1000)`];
  const { execId, ended } = await scene.start(holding, "\n");
  const beside = await scene.host.neighbour.sandbox.commands.run(["python3", "-c", take(10)]);
  await scene.sandbox.execs.kill(execId);
  const taken = Number((await ended).stdout);
  assert.ok(taken > 10);
  assert.equal(beside.stdout, "10\n");
  return taken;
}

/** Terminals that are open on the whole host. */
function hostsTerminals(): number {
  return Number(readFileSync("/proc/sys/kernel/pty/nr", "utf8"));
}

/** Every limit but those of space, exceeded on purpose, and what the kernel counts for the whole host. */
export const exceedingLimits: Theme = {
  name: "taking more than its share of everything else",
  attacks: [
    {
      name: "processes: fork answers EAGAIN at maxPids, threads count as well",
      // In gVisor each of them takes some megabytes, which are the sandbox's.
      options: { ...SMALL, memoryMb: 256 },
      async run(scene) {
        const made = await scene.python(`
import errno, json, os, signal, threading, time
children, threads, answers = [], [], []
try:
    while len(children) < 1000:
        pid = os.fork()
        if pid == 0: time.sleep(1000)
        children.append(pid)
except OSError as e: answers.append(errno.errorcode[e.errno])
for pid in children: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
stop = threading.Event()
try:
    while len(threads) < 1000: threads.append(threading.Thread(target=stop.wait)); threads[-1].start()
except RuntimeError: answers.append("no thread")
stop.set()
print(json.dumps({"answers": answers, "children": len(children), "threads": len(threads)}))`);
        assert.deepEqual(made.answers, ["EAGAIN", "no thread"]);
        assert.ok(made.children < 32 && made.threads < 34, JSON.stringify(made));
      },
    },
    {
      name: "descriptors: open answers EMFILE at the limit, which cannot be raised",
      async run(scene) {
        const { limits } = await scene.sandbox.info();
        const made = await scene.python(`
import errno, json, os, resource
try: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20)); raised = True
except (OSError, ValueError): raised = False
count = len(os.listdir("/proc/self/fd")) - 1
try:
    while True: os.open("/dev/null", 0); count += 1
except OSError as e: error = errno.errorcode[e.errno]
print(json.dumps({"error": error, "count": count, "raised": raised}))`);
        assert.deepEqual(made, { error: "EMFILE", count: limits.maxOpenFiles, raised: false });
      },
    },
    {
      name: "terminals: they are counted for the whole host, and one sandbox has only a few of them",
      options: { maxPids: 512 },
      async run(scene) {
        const before = hostsTerminals();
        const program = `
import os, time
opened = 0
try:
    while opened < 4000: os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY); opened += 1
except OSError: pass
print(opened)
time.sleep(1000)`;
        const { execId, ended } = await scene.start(["python3", "-uc", program], "\n");
        // Those of gVisor are of its own kernel: it has as many as it likes, and the host none of them.
        const ofHost = hostsTerminals() - before;
        const { stdout } = await scene.host.neighbour.sandbox.commands.run(
          "python3 -c 'import os, pty; m, s = pty.openpty(); print(os.ttyname(s))'",
        );
        assert.match(stdout, /^\/dev\/pts\/\d+\n$/);
        await scene.sandbox.execs.kill(execId);
        const opened = Number((await ended).stdout);
        assert.ok(opened > 0 && (scene.isolation === "gvisor" || opened <= 64), `${opened} terminals`);
        // Others open some meanwhile.
        assert.ok(ofHost < 1_000, `${ofHost} terminals of the host`);
      },
    },
    {
      name: "timers and signals that wait, which are counted by user: the neighbour has its own",
      notOn: { gvisor: "they are gVisor's own, and memory of the sandbox: see the attacks on that" },
      async run(scene) {
        const taken = await takeAll(scene, TAKE_TIMERS);
        assert.ok(taken <= 4096, `${taken} timers`);
      },
    },
    {
      name: "watches on files, which are counted by user: the neighbour has its own",
      needs: ["own uids"],
      async run(scene) {
        await takeAll(scene, TAKE_WATCHES);
      },
    },
    {
      name: "huge pages that the host keeps for its own programs are not to be had",
      async run(scene) {
        const got = await scene.python(`
import json, mmap, os
got = []
try: mmap.mmap(-1, 1 << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000); got.append("mmap")
except OSError: pass
try: mmap.mmap(os.memfd_create("x", 4), 1 << 21); got.append("memfd")
except OSError: pass
print(json.dumps(got))`);
        assert.deepEqual(got, []);
      },
    },
    {
      name: "the processor: as many processes as there may be get the quota together, and the exec's cpuMs says so",
      needs: ["processor limit"],
      options: { ...SMALL, vcpu: 0.25 },
      async run(scene) {
        const { execId, durationMs, cause } = await scene.run(
          ["python3", "-c", "import os\nfor _ in range(3): os.fork()\nwhile True: pass"],
          { timeoutMs: 2_000 },
        );
        assert.equal(cause, "timed_out");
        const { cpuMs = 0 } = await scene.sandbox.execs.get(execId);
        // A period of the quota at each end, and the end's own work, come on top.
        assert.ok(
          cpuMs > 0 && cpuMs < durationMs * 0.25 + 400,
          `${cpuMs} ms of the processor in ${durationMs} ms`,
        );
      },
    },
    {
      name: "a better place at the processor or the disk: no real-time class, no negative nice, no I/O priority",
      async run(scene) {
        const taken = await scene.python(`
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
taken = []
for policy in (os.SCHED_FIFO, os.SCHED_RR):
    try: os.sched_setscheduler(0, policy, os.sched_param(50)); taken.append("policy %d" % policy)
    except OSError: pass
try: os.nice(-5); taken.append("nice")
except OSError: pass
if libc.syscall(251, 1, 0, (1 << 13) | 0) == 0: taken.append("ioprio")
if libc.mlockall(3) == 0: taken.append("mlockall")
print(json.dumps(taken))`);
        // gVisor grants a better place among its own, and asks the host for none.
        const granted = ["mlockall", ...(scene.isolation === "gvisor" ? ["nice"] : [])];
        assert.deepEqual(
          taken.filter((name: string) => !granted.includes(name)),
          [],
        );
      },
    },
    {
      name: "time: an exec that ignores every signal ends with timed_out all the same",
      async run(scene) {
        const program =
          "import signal, time\nfor n in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(1)";
        const command = await scene.run(["python3", "-c", program], { timeoutMs: 300 });
        assert.deepEqual([command.cause, command.reason], ["timed_out", "timeoutMs (300) passed"]);
        const cell = await scene.cell(program, { timeoutMs: 300 });
        assert.equal(cell.cause, "timed_out");
      },
    },
    {
      name: "a longer life: the sandbox ends with lifetime_exceeded, whatever runs in it",
      options: { timeoutMs: 1_500 },
      endsAs: "lifetime_exceeded",
      async run(scene) {
        const { cause } = await scene.run("trap '' TERM INT HUP; while :; do sleep 1; done");
        assert.equal(cause, "sandbox_ended");
      },
    },
    {
      name: "idleness: a process left behind keeps no sandbox awake",
      options: { idleTimeoutMs: 500, onIdle: "terminate" },
      endsAs: "idle_timeout",
      async run(scene) {
        await scene.run("setsid sh -c 'while :; do :; done' > /dev/null 2>&1 &");
      },
    },
    {
      name: "execs at once: one more than may run is refused, with words",
      async run(scene) {
        const { limits } = await scene.sandbox.info();
        const running = await Promise.all(
          Array.from({ length: limits.maxConcurrentExecs }, () => scene.start("echo in; sleep 1000", "in")),
        );
        await assert.rejects(scene.run("true"), (error) => {
          assert.ok(error instanceof SandglassError);
          return error.code === "EXEC_LIMIT_REACHED";
        });
        const { status } = await callHttp(scene.host.daemon, `GET /v1/sandboxes/${scene.sandbox.id}`);
        assert.equal(status, 200);
        await Promise.all(running.map(({ execId }) => scene.sandbox.execs.kill(execId)));
        for (const { ended } of running) assert.equal((await ended).cause, "killed");
      },
    },
  ],
};
