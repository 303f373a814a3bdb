import assert from "node:assert/strict";
import type { ExecResult } from "sandglass";
import type { Attack, Theme } from "../attack.ts";

const SMALL = { memoryMb: 64, diskMb: 16, maxPids: 32, vcpu: 0.5 };

const ENDS_A_GUEST = {
  gvisor: "the limit meets gVisor's own kernel and ends the sandbox: attacks of its own say so",
};

/** Ways to more memory than there is, as programs of Python. */
const GREED: Readonly<Record<string, string>> = {
  "a process": "x = bytearray(400 << 20)\nwhile True: pass",
  "a process that names others to be chosen":
    "for who, score in (('self', '-1000'), ('1', '1000')):\n  try: open('/proc/%s/oom_score_adj' % who, 'w').write(score)\n  except OSError: pass\nx = bytearray(400 << 20)\nwhile True: pass",
  "files without a name": "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, bytes(1 << 20))",
  "/dev/shm": "with open('/dev/shm/fill', 'wb') as f:\n  while True: f.write(bytes(1 << 20))",
  "System V shared memory":
    "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\nwhile True: ctypes.memset(libc.shmat(libc.shmget(0, 8 << 20, 0o1666), None, 0), 1, 8 << 20)",
  "pipes that nobody reads":
    "import os, resource\nheld = []\nfor _ in range(300):\n  r, w = os.pipe(); os.set_blocking(w, False); held.append((r, w))\n  try:\n    while True: os.write(w, bytes(65536))\n  except BlockingIOError: pass\nx = bytearray(400 << 20)\nwhile True: pass",
  "timers without number":
    "import ctypes\nlibc = ctypes.CDLL(None)\nclass E(ctypes.Structure): _fields_ = [('v', ctypes.c_void_p), ('s', ctypes.c_int), ('n', ctypes.c_int), ('p', ctypes.c_char * 48)]\ne, t = E(None, 10, 0), ctypes.c_void_p()\nwhile libc.timer_create(1, ctypes.byref(e), ctypes.byref(t)) == 0: pass\nx = bytearray(400 << 20)\nwhile True: pass",
};

/** Every limit of space, exceeded on purpose. */
export const fillingUp: Theme = {
  name: "filling up disk and memory",
  attacks: [
    {
      name: "the disk: who fills it ends with disk_full, the neighbour's is as it was, and there is room again once some is freed",
      options: SMALL,
      async run(scene) {
        const fill =
          "import sys\nwith open('/workspace/fill', 'wb') as f:\n  while True: f.write(bytes(1 << 20)); f.flush()";
        const { cause, reason } = await scene.run(["python3", "-c", fill]);
        assert.deepEqual([cause, reason], ["disk_full", "the disk of 16 MiB is full"]);
        await assert.rejects(scene.sandbox.files.write("more", new Uint8Array(1 << 20)), {
          code: "DISK_FULL",
        });
        await scene.host.neighbour.sandbox.commands.run("head -c 20M /dev/zero > /tmp/room && rm /tmp/room");
        assert.equal((await scene.run("rm /workspace/fill && echo room > /workspace/again")).exitCode, 0);
      },
    },
    {
      name: "a full disk does not become the cause of others: what fails beside it has exited, and is told that it was full",
      options: { ...SMALL, memoryMb: 128 },
      async run(scene) {
        const ending = ({ cause, exitCode, reason }: ExecResult) => [cause, exitCode, reason];
        const failed = (code: number) => ["exited", code, "the disk of 16 MiB was full when it ended"];
        const beside = await scene.start(
          "echo begun; until [ -e /tmp/end ]; do sleep 0.05; done; exit 3",
          "begun",
        );
        const filled = await scene.run(": > /tmp/end.not; cat /dev/zero > /workspace/fill");
        assert.equal(filled.cause, "disk_full", filled.stderr);
        await scene.run("mv /tmp/end.not /tmp/end");
        assert.deepEqual(ending(await beside.ended), failed(3));
        assert.deepEqual(ending(await scene.run("grep nothing /etc/passwd")), failed(1));
        assert.deepEqual(ending(await scene.cell("1/0")), failed(1));
        const met = await scene.cell("open('/workspace/more', 'wb').write(bytes(1 << 20))");
        assert.deepEqual(ending(met), ["disk_full", 1, "the disk of 16 MiB is full"]);
      },
    },
    {
      name: "/tmp, /var/tmp, /root and /usr: they are of the same disk",
      options: SMALL,
      async run(scene) {
        const usr = scene.host.lacks.includes("layers") ? [] : ["/usr/lib"];
        for (const where of ["/tmp", "/var/tmp", "/root", ...usr, "/run", "/etc", "/home"]) {
          const { stderr, exitCode } = await scene.run(
            `head -c 32M /dev/zero > ${where}/fill; code=$?; rm ${where}/fill; exit $code`,
          );
          assert.notEqual(exitCode, 0, where);
          assert.match(stderr, /No space left/, where);
        }
      },
    },
    {
      name: "inodes: files of no size come to an end too, and the sandbox can still be cleared and ended",
      options: SMALL,
      async run(scene) {
        const { error, made } = await scene.python(`
import errno, json, os
os.mkdir("/workspace/many")
made = 0
try:
    while made < 1_000_000:
        os.close(os.open("/workspace/many/%d" % made, os.O_CREAT)); made += 1
except OSError as e: error = errno.errorcode[e.errno]
print(json.dumps({"error": error, "made": made}))`);
        assert.equal(error, "ENOSPC");
        assert.ok(made < 100_000, `${made} files`);
        await assert.rejects(scene.sandbox.files.write("one-more", ""), { code: "DISK_FULL" });
        await scene.sandbox.files.remove("/workspace/many", { recursive: true });
        await scene.sandbox.files.write("one-more", "x");
      },
    },
    {
      name: "memory: the exec that goes beyond ends with oom_killed, and another one beside it lives on",
      needs: ["memory limit"],
      options: SMALL,
      notOn: ENDS_A_GUEST,
      async run(scene) {
        const modest = await scene.start("echo lives; cat; echo done", "lives", { stdin: "" });
        const beside = scene.run([
          "python3",
          "-c",
          "import sys, time; x = bytearray(4 << 20); time.sleep(1.5); print(len(x))",
        ]);
        const { cause, reason, signal } = await scene.run(["python3", "-c", "x = bytearray(400 << 20)"]);
        assert.deepEqual(
          [cause, reason, signal],
          ["oom_killed", "the memory limit of 64 MiB was reached", "SIGKILL"],
        );
        assert.equal((await beside).cause, "exited");
        assert.equal((await modest.ended).exitCode, 0);
      },
    },
    {
      name: "memory, by a process that asks not to be chosen: it cannot, and is",
      needs: ["memory limit"],
      options: SMALL,
      notOn: ENDS_A_GUEST,
      async run(scene) {
        const { cause, stdout } = await scene.run([
          "python3",
          "-uc",
          `
import os
try: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000"); print("asked")
except OSError: print("refused")
x = bytearray(400 << 20)`,
        ]);
        assert.deepEqual([cause, stdout], ["oom_killed", "refused\n"]);
      },
    },
    {
      name: "memory, by a cell: the cell ends with oom_killed, its context starts anew",
      needs: ["memory limit"],
      options: { memoryMb: 96 },
      notOn: ENDS_A_GUEST,
      async run(scene) {
        const { cause, contextLost } = await scene.cell("x = bytearray(400 << 20)");
        assert.deepEqual([cause, contextLost], ["oom_killed", true]);
        assert.equal((await scene.cell("6 * 7")).result?.["text/plain"], "42");
      },
    },
    {
      name: "/dev/shm and other memory without a process: it counts, and can be cleared",
      needs: ["memory limit"],
      options: SMALL,
      notOn: ENDS_A_GUEST,
      async run(scene) {
        assert.equal((await scene.run("head -c 32M /dev/zero > /dev/shm/fill")).exitCode, 0);
        const want = [
          "python3",
          "-c",
          "import os\nf = os.memfd_create('x')\nfor _ in range(32): os.write(f, bytes(1 << 20))",
        ];
        assert.equal((await scene.run(want)).cause, "oom_killed");
        await scene.run("rm /dev/shm/fill");
        assert.equal((await scene.run(want)).cause, "exited");
      },
    },
    {
      name: "System V shared memory that outlives its process counts too",
      needs: ["memory limit"],
      options: SMALL,
      notOn: ENDS_A_GUEST,
      async run(scene) {
        const { cause, exitCode } = await scene.run([
          "python3",
          "-c",
          `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for _ in range(50):
    id = libc.shmget(0, 8 << 20, 0o1666)
    if id < 0: raise SystemExit(3)
    at = libc.shmat(id, None, 0)
    ctypes.memset(at, 1, 8 << 20)`,
        ]);
        assert.ok(cause === "oom_killed" || exitCode === 3, cause);
      },
    },
    {
      name: "the kernel's memory for pipes and sockets counts, or comes to an end by itself",
      options: SMALL,
      notOn: ENDS_A_GUEST,
      async run(scene) {
        await scene.run([
          "python3",
          "-c",
          `
import os, socket
held = []
try:
    while True:
        r, w = os.pipe(); os.set_blocking(w, False); held.append((r, w))
        try: os.write(w, bytes(65536))
        except BlockingIOError: pass
        a, b = socket.socketpair(); a.setblocking(False); held.append((a, b))
        try:
            while True: a.send(bytes(32768))
        except BlockingIOError: pass
except OSError: pass`,
        ]);
        assert.equal((await scene.run("echo served")).stdout, "served\n");
      },
    },
    ...Object.entries(GREED).map(
      ([what, program]): Attack => ({
        name: `memory of a guest's kernel, by ${what}: its sandbox ends with oom_killed, and the exec as well`,
        options: SMALL,
        endsAs: "oom_killed",
        onlyOn: ["gvisor"],
        needs: ["memory limit"],
        async run(scene) {
          assert.equal((await scene.run(["python3", "-c", program])).cause, "oom_killed");
        },
      }),
    ),
    {
      name: "memory of a guest's kernel, by a cell: its sandbox ends with oom_killed, and the cell as well",
      options: { memoryMb: 96 },
      endsAs: "oom_killed",
      onlyOn: ["gvisor"],
      needs: ["memory limit"],
      async run(scene) {
        assert.equal((await scene.cell("x = bytearray(400 << 20)")).cause, "oom_killed");
      },
    },
  ],
};
