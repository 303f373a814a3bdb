import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { until } from "@sandglass/testkit";
import type { ExecResult, RunCodeOptions } from "sandglass";
import type { Theme } from "../attack.ts";
import type { Scene } from "../scene.ts";

const FORGE = readFileSync(new URL("../inside/forge.py", import.meta.url), "utf8");

/** A cell that says this on its interpreter's channel; its own id is what the interpreter's frame holds. @param other another exec's id */
function forge(scene: Scene, what: string, other = ""): Promise<ExecResult> {
  const own = `import sys\nframe = sys._getframe()\nwhile frame and "cell" not in frame.f_locals and "request" not in frame.f_locals: frame = frame.f_back
CELL = next((v["id"] for f in [frame] if f for v in f.f_locals.values() if isinstance(v, dict) and "id" in v), "?")
FORGED, OTHER = ${JSON.stringify(what)}, ${JSON.stringify(other)}\n`;
  return scene.cell(own + FORGE);
}

/** After whatever was said, the same context answers the truth. */
async function assertHonest(scene: Scene, options: RunCodeOptions = {}): Promise<void> {
  const { result, stdout, exitCode, cause } = await scene.cell("print('honest'); 6 * 7", options);
  assert.deepEqual([result?.["text/plain"], stdout, exitCode, cause], ["42", "honest\n", 0, "exited"]);
}

const VICTIMS = { contextId: "victim" };

/** A cell of another context that runs until the file `go` is there; its result is true then. */
async function startVictim(scene: Scene): Promise<{ execId: string; ended: Promise<ExecResult> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const code =
    "import os, time\nprint('runs')\nwhile not os.path.exists('/workspace/go'): time.sleep(0.05)\n'true result'";
  let execId = "";
  const ended = scene.cell(code, {
    ...VICTIMS,
    onStart: (exec) => {
      execId = exec.execId;
    },
    onStdout: () => resolve(execId),
  });
  await Promise.race([promise, ended]);
  return { execId, ended };
}

/** Whoever speaks for the code: the agent, the interpreter, the processes that do what the host asks. */
export const agentProtocol: Theme = {
  name: "the agent and its protocol",
  attacks: [
    {
      name: "an interpreter's channel that says other ids is not believed",
      async run(scene) {
        const victim = await startVictim(scene);
        const { cause, exitCode, result } = await forge(scene, "other ids", victim.execId);
        assert.deepEqual([cause, exitCode, result], ["exited", 0, undefined]);
        await assertHonest(scene);
        await scene.sandbox.files.write("go", "");
        const { result: ofVictim, ...end } = await victim.ended;
        assert.deepEqual([ofVictim?.["text/plain"], end.exitCode, end.cause], ["'true result'", 0, "exited"]);
      },
    },
    ...["garbage", "sizes"].map((what) => ({
      name: `an interpreter's channel that says ${what} is not believed`,
      async run(scene: Scene) {
        const { cause, exitCode, result } = await forge(scene, what);
        assert.deepEqual([cause, exitCode, result], ["exited", 0, undefined]);
        await assertHonest(scene);
      },
    })),
    {
      name: "answering twice ends a cell once, and the second answer is nobody's",
      async run(scene) {
        assert.equal((await forge(scene, "twice")).cause, "exited");
        await assertHonest(scene);
      },
    },
    {
      name: "an exit code beyond a byte, a key of the prototype and an exception of its own harm nobody",
      async run(scene) {
        const { exitCode } = await forge(scene, "codes");
        assert.ok(exitCode >= 0 && exitCode <= 255);
        await assertHonest(scene);
      },
    },
    {
      name: "half an answer and then no interpreter: the cell ends, its context starts anew",
      async run(scene) {
        const { cause, contextLost } = await forge(scene, "half");
        assert.deepEqual([cause, contextLost], ["exited", true]);
        await assertHonest(scene);
      },
    },
    {
      name: "a flood on the channel ends the interpreter, not the sandbox",
      async run(scene) {
        const { cause } = await forge(scene, "flood");
        assert.equal(cause, "killed");
        await assertHonest(scene);
      },
    },
    {
      name: "another interpreter's channels can be written to, and that spoils its cell, not the record",
      async run(scene) {
        const { execId, ended } = await startVictim(scene);
        const written = await scene.python(
          `
import json, os, sys
written = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    for fd in ("1", "2", "3", "4"):
        try:
            if b"repl.py" in open("/proc/%s/cmdline" % pid, "rb").read():
                to = os.open("/proc/%s/fd/%s" % (pid, fd), os.O_WRONLY | os.O_NONBLOCK)
                written += os.write(to, json.dumps({"id": sys.argv[1], "exitCode": 7, "result": None}).encode() + b"\\n") > 0
        except OSError: pass
print(json.dumps(written))`,
          execId,
        );
        assert.ok(written > 0);
        // Its id and its channel are all that there is to a cell, for whoever is of the same sandbox.
        const { cause, exitCode } = await ended;
        assert.ok(cause === "killed" || (cause === "exited" && exitCode === 7), `${cause} ${exitCode}`);
        await scene.sandbox.files.write("go", "");
        for (const context of [{}, VICTIMS]) {
          // What was written to where it hears of cells is one that it did not understand, and may be answered in the next one's place.
          await scene.cell("0", context);
          await assertHonest(scene, context);
        }
      },
    },
    {
      name: "frames of the agent's protocol, written to every descriptor there is, are bytes",
      async run(scene) {
        const { stdout } = await scene.run([
          "python3",
          "-c",
          `
import os, struct
def frame(type, id, payload=b""): return struct.pack("<IBI", len(payload) + 5, type, id) + payload
forged = b"".join(frame(69, id, struct.pack("<IIQQQ", 0, 0, 0, 0, 0)) + frame(68, id, b"\\1forged") + frame(65, id, b"\\1\\0\\0\\0") for id in range(20))
for fd in range(256):
    try: os.write(fd, forged)
    except OSError: pass
os._exit(5)`,
        ]);
        assert.ok(stdout.length > 0);
        assert.equal((await scene.run("exit 6")).exitCode, 6);
      },
    },
    {
      name: "the agent's socket, memory and environment are out of reach",
      async run(scene) {
        const reached = await scene.python(`
import json, os
reached = []
for name in ["mem", "environ", "maps", "auxv"] + ["fd/%d" % n for n in range(16)]:
    for mode in (os.O_RDONLY, os.O_WRONLY):
        try:
            fd = os.open("/proc/1/" + name, mode | os.O_NONBLOCK)
            kind = os.readlink("/proc/1/" + name) if "/" in name else name
            if mode == os.O_WRONLY and not kind.startswith("pipe"): os.write(fd, b"forged")
            if mode == os.O_WRONLY or os.read(fd, 1): reached.append(kind)
        except OSError: pass
print(json.dumps(reached))`);
        // gVisor shows how the agent was started, and its ends of pipes, which those inside have the other ends of.
        const shown = /^(environ|maps|auxv|pipe:.*)$/;
        assert.deepEqual(
          reached.filter((name: string) => scene.isolation !== "gvisor" || !shown.test(name)),
          [],
        );
        // Through the agent's stderr the code would write to the host's disk, without any limit.
        const log = join(scene.host.daemon.dataDir, "sandboxes", scene.sandbox.id, "wall.log");
        assert.equal(readFileSync(log, "utf8"), "");
      },
    },
    {
      name: "the agent cannot be killed, stopped or starved of descriptors, and being scheduled last harms its sandbox alone",
      async run(scene) {
        const done = await scene.python(`
import ctypes, json, os, resource
done = []
for number in range(1, 65):
    try: os.kill(1, number)
    except OSError: pass
try: resource.prlimit(1, resource.RLIMIT_NOFILE, (4, 4)); done.append("prlimit")
except OSError: pass
try: os.setpriority(os.PRIO_PROCESS, 1, 19)
except OSError: pass
try: os.sched_setscheduler(1, 5, os.sched_param(0))
except OSError: pass
print(json.dumps(done))`);
        assert.deepEqual(done, []);
        assert.equal((await scene.run("echo served")).stdout, "served\n");
      },
    },
    {
      name: "having the agent chosen by the OOM killer ends its own sandbox, with oom_killed",
      needs: ["memory limit"],
      options: { memoryMb: 64 },
      endsAs: "oom_killed",
      notOn: {
        gvisor:
          "its processes are none of the host's, which has the whole sandbox to choose: an attack of its own says so",
      },
      async run(scene) {
        const { cause } = await scene.run([
          "python3",
          "-c",
          `
import os
os.write(os.open("/proc/1/oom_score_adj", os.O_WRONLY), b"1000")
held = os.memfd_create("x")
while True: os.write(held, bytes(1 << 20))`,
        ]);
        assert.ok(["sandbox_ended", "oom_killed"].includes(cause), cause);
      },
    },
    {
      name: "killing every process that waits for its start ends no exec with a fault of the host's",
      async run(scene) {
        // gVisor lists a process that ends meanwhile as 0, and a signal to 0 is one to the killer itself.
        const { ended, execId } = await scene.start(
          [
            "python3",
            "-uc",
            "import os\nprint('kills')\nwhile True:\n  for p in filter(str.isdigit, os.listdir('/proc')):\n    if int(p) > 1 and int(p) != os.getpid():\n      try: os.kill(int(p), 9)\n      except OSError: pass",
          ],
          "kills",
        );
        const causes = new Set<string>();
        for (let n = 0; n < 10; n++) causes.add((await scene.run("sleep 0.05")).cause);
        for (const cause of causes) assert.ok(["killed", "exited"].includes(cause), cause);
        await scene.sandbox.execs.kill(execId).catch(async (cause: unknown) => {
          throw new Error(`the killer was not there: ${inspect(await ended)}`, { cause });
        });
        assert.equal((await ended).cause, "killed");
        // What the killer met last may have ended before it could become this one.
        await until("one is served", async () => (await scene.run("echo served")).stdout === "served\n");
      },
    },
    {
      name: "stopping the process that waits for its start makes an exec late, and its time limit ends it",
      async run(scene) {
        await scene.run("cd /proc; for p in [0-9]*; do [ $p -le 1 ] || [ $p = $$ ] || kill -STOP $p; done");
        const { cause } = await scene.run("sleep 0.05; cd /proc; for p in [1-9]*; do kill -STOP $p; done", {
          timeoutMs: 1_000,
        });
        assert.ok(["timed_out", "exited"].includes(cause), cause);
        const next = await scene.run("echo late", { timeoutMs: 1_000 });
        assert.ok(["timed_out", "exited"].includes(next.cause), next.cause);
        assert.equal((await scene.run("echo served")).stdout, "served\n");
      },
    },
    {
      name: "a program that takes the place of python3, bash or the REPL speaks for its own sandbox only",
      async run(scene) {
        await scene.run(
          "for f in /run/sandglass/repl.py /usr/bin/python3 /usr/bin/bash; do rm -f $f; printf '#!/bin/sh\\necho forged >&4; yes' > $f; chmod 755 $f; done",
        );
        const { cause } = await scene.cell("1", { timeoutMs: 2_000 });
        assert.ok(["timed_out", "exited", "killed", "output_limit"].includes(cause), cause);
      },
    },
  ],
};
