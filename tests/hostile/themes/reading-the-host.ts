import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Theme } from "../attack.ts";
import type { Scene } from "../scene.ts";
import { deviceNodes } from "./device-nodes.ts";

const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Of each process of the sandbox as the host sees them, but those that put up the walls and stand outside. */
function mountsInside(scene: Scene): string[] {
  return scene
    .pids()
    .map((pid) => readFileSync(`/proc/${pid}/mountinfo`, "utf8"))
    .filter((mounts) => !/ (\/run\/sandglass\/root|\/sys\/kernel\/r) /.test(mounts));
}

/** What code inside may learn of the machine and of others, and what of theirs it may change. */
export const readingTheHost: Theme = {
  name: "reading and changing the host",
  attacks: [
    {
      name: "files of the host are not there, by whatever way to them",
      async run(scene) {
        const { host } = scene;
        const paths = [
          `${host.directory}/secret`,
          host.daemon.dataDir,
          host.daemon.credentialsFile,
          "/etc/shadow",
        ];
        const ways = [
          "",
          "/..",
          "/../../../..",
          "/proc/1/root",
          "/proc/self/root/..",
          "/proc/self/cwd/../..",
        ];
        const { open, links } = await scene.python(
          `
import json, os, sys
paths, ways = json.loads(sys.argv[1])
found = []
for path in (way + path for way in ways for path in paths):
    try: found.append((path, open(path).read(64) if not os.path.isdir(path) else os.listdir(path)))
    except OSError: pass
links = []
for path in paths:
    link = "/tmp/link-%d" % len(links)
    os.symlink("../../../../.." + path, link)
    links.append(os.path.exists(link))
print(json.dumps({"open": found, "links": links}))`,
          JSON.stringify([paths, ways]),
        );
        assert.deepEqual(open, []);
        assert.deepEqual(
          links,
          paths.map(() => false),
        );
      },
    },
    {
      name: "the environment and the arguments of the daemon are in no process it can see",
      async run(scene) {
        await scene.run(
          "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/task/*/environ 2>/dev/null; env",
        );
        const said = scene.said.join("");
        for (const word of ["HOSTILE_CANARY", "SANDGLASS_API_KEYS", scene.host.daemon.dataDir])
          assert.ok(!said.includes(word), word);
      },
    },
    {
      name: "processes of the host and of neighbours cannot be seen or signalled",
      async run(scene) {
        const { host } = scene;
        const targets = [host.daemon.pid, process.pid, process.ppid, ...host.neighbourPids()];
        const answer = await scene.python(
          `
import errno, json, os, signal, sys
own = {int(name) for name in os.listdir("/proc") if name.isdigit()}
reached = []
for pid in json.loads(sys.argv[1]):
    if pid in own: continue
    try: os.kill(pid, signal.SIGKILL); reached.append(pid)
    except ProcessLookupError: pass
    try: os.pidfd_open(pid); reached.append(pid)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.ENOSYS): raise
print(json.dumps({"reached": reached, "seen": len(own)}))`,
          JSON.stringify(targets),
        );
        assert.deepEqual(answer.reached, []);
        assert.ok(answer.seen < 20, `${answer.seen} processes`);
      },
    },
    {
      name: "a signal to everyone ends what is inside, and nothing else",
      async run(scene) {
        const { ended } = await scene.start("echo here; sleep 1000", "here");
        await scene.run(["python3", "-c", "import os; os.kill(-1, 9)"]);
        assert.equal((await ended).cause, "killed");
        assert.equal((await scene.run("echo again")).stdout, "again\n");
      },
    },
    {
      name: "the kernel's log is closed, as a call, as a device and as a file",
      async run(scene) {
        const { exitCode } = await scene.run(
          "exec 2>/dev/null; dmesg || head -c1 /dev/kmsg || head -c1 /proc/kmsg",
        );
        assert.notEqual(exitCode, 0);
      },
    },
    {
      name: "the kernel's memory and addresses cannot be read",
      async run(scene) {
        const found = await scene.python(`
import json, os
read = []
for path in ("/proc/kcore", "/dev/mem", "/dev/kmem", "/dev/port", "/proc/timer_list", "/proc/sched_debug", "/proc/1/mem",
             "/proc/1/stack", "/proc/1/syscall", "/proc/1/pagemap", "/proc/kpageflags", "/proc/kpagecount", "/proc/slabinfo", "/proc/vmallocinfo"):
    try:
        if os.read(os.open(path, os.O_RDONLY), 1): read.append(path)
    except OSError: pass
try: addresses = {line.split()[0].strip("0") for line in open("/proc/kallsyms")}
except OSError: addresses = {""}
print(json.dumps({"read": read, "addresses": sorted(addresses)[:3]}))`);
        assert.deepEqual(found.read, []);
        assert.ok(["", undefined].includes(found.addresses.join("")), found.addresses.join());
      },
    },
    {
      name: "no knob of /proc can be turned: core patterns, module loaders, panics, sysrq, and all that is below /proc/sys",
      async run(scene) {
        const knobs = ["kernel/core_pattern", "kernel/panic", "vm/overcommit_memory", "fs/file-max"];
        const before = knobs.map((knob) => readFileSync(join("/proc/sys", knob), "utf8"));
        const written = await scene.python(`
import json, os
written = []
def attempt(path):
    try:
        fd = os.open(path, os.O_WRONLY)
    except OSError: return
    try:
        os.write(fd, b"|/tmp/evil")
        written.append(path)
    except OSError: pass
    finally: os.close(fd)
for top, _, names in os.walk("/proc/sys"):
    for name in names: attempt(os.path.join(top, name))
for path in ("/proc/sysrq-trigger", "/proc/1/oom_score_adj", "/proc/mtrr", "/proc/irq/0/smp_affinity", "/proc/irq/default_smp_affinity",
             "/proc/1/uid_map", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups", "/proc/fs/ext4", "/proc/acpi/wakeup"):
    attempt(path)
print(json.dumps(written))`);
        // gVisor has a few knobs of its own, which change nothing but itself.
        if (scene.isolation !== "gvisor") assert.deepEqual(written, []);
        assert.deepEqual(
          knobs.map((knob) => readFileSync(join("/proc/sys", knob), "utf8")),
          before,
        );
      },
    },
    {
      name: "/sys is not there to be read or written, and no control group can be joined, made or left",
      async run(scene) {
        const found: string[] = await scene.python(`
import json, os
found = [os.path.join(top, name) for top, _, names in os.walk("/sys") for name in names if os.access(os.path.join(top, name), os.W_OK)]
groups = [line for line in open("/proc/self/mounts") if " cgroup" in line and " rw" in line]
try: os.mkdir("/sys/fs/cgroup/evil"); found.append("made a group")
except OSError: pass
print(json.dumps(found[:5] + groups))`);
        // gVisor has a /sys of its own making, with a knob of its own network's. That it is no more than that is seen from outside.
        const isOwn = (path: string): boolean =>
          scene.isolation === "gvisor" && path === "/sys/class/net/lo/gro_flush_timeout";
        assert.deepEqual(
          found.filter((path) => !isOwn(path)),
          [],
        );
        for (const mounts of mountsInside(scene)) assert.doesNotMatch(mounts, / - (sysfs|cgroup2?) /);
      },
    },
    {
      name: "its groups are named to it as the root of their trees, not by where they are on the host",
      async run(scene) {
        const { stdout } = await scene.run("cat /proc/self/cgroup /proc/self/mountinfo");
        assert.ok(!stdout.includes(scene.sandbox.id) && !stdout.includes(scene.host.daemon.dataDir));
      },
    },
    {
      name: "set-uid programs give nothing: not the host's, not its own, and no capability is to be had",
      async run(scene) {
        const { stdout } = await scene.run(`
cp /usr/bin/id /tmp/suid; chmod 6755 /tmp/suid; /tmp/suid -u
grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd|CapAmb):' /proc/self/status | tr -s '\\t ' ' '
su -c 'grep CapEff /proc/self/status' nobody 2>/dev/null | tr -s '\\t ' ' '; true`);
        const [uid, ...status] = stdout.trim().split("\n");
        assert.equal(uid, "0");
        const nothing = /^(NoNewPrivs: 1|Cap(Inh|Prm|Eff|Bnd|Amb): 0+)$/;
        for (const line of status) assert.match(line, nothing);
        // gVisor's status has no lines for two of them; what they would say is said by calls.
        assert.ok(status.length >= (scene.isolation === "gvisor" ? 3 : 5), stdout);
        const [noNewPrivileges, ambient] = await scene.python(
          "import ctypes, json\nprctl = ctypes.CDLL(None).prctl\nprint(json.dumps([prctl(39, 0, 0, 0, 0), sum(prctl(47, 1, n, 0, 0) > 0 for n in range(41))]))",
        );
        assert.deepEqual([noNewPrivileges, ambient], [1, 0]);
      },
    },
    {
      name: "its root is a uid of its own on the host, which no other sandbox has",
      needs: ["own uids"],
      async run(scene) {
        const uids = (pids: readonly number[]): Set<string> =>
          new Set(
            pids.map((pid) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? ""),
          );
        const own = uids(scene.pids());
        const others = uids(scene.host.neighbourPids());
        assert.ok(own.size > 0 && others.size > 0);
        for (const uid of own) assert.ok(Number(uid) >= 100_000 && !others.has(uid), uid);
      },
    },
    deviceNodes,
    {
      name: "whiteouts and opaque directories of overlays cannot be made by hand, and uncover nothing",
      needs: ["layers"],
      async run(scene) {
        const answers = await scene.python(`
import errno, json, os, stat
answers = {}
def attempt(name, work):
    try: work(); answers[name] = "ok"
    except OSError as error: answers[name] = errno.errorcode[error.errno]
attempt("whiteout", lambda: os.mknod("/usr/bin/whiteout", stat.S_IFCHR, 0))
attempt("whiteout in /", lambda: os.mknod("/workspace/whiteout", stat.S_IFCHR, 0))
os.mkdir("/workspace/directory")
for name in ("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "security.capability", "trusted.overlay.overlay.opaque"):
    attempt(name, lambda: os.setxattr("/workspace/directory", name, b"y"))
attempt("user", lambda: os.setxattr("/workspace/directory", "user.overlay.opaque", b"y"))
open("/workspace/directory/file", "w").close()
answers["listed"] = os.listdir("/workspace/directory")
layers = [path for path in ("/d", "/s", "/u", "/r", "/p", "/oldroot", "/newroot") if os.path.exists(path)]
print(json.dumps({"answers": answers, "layers": layers}))`);
        const { user, listed, ...refused } = answers.answers;
        for (const [name, answer] of Object.entries(refused)) assert.notEqual(answer, "ok", name);
        assert.ok(["ok", "EOPNOTSUPP", "ENOTSUP", "EPERM"].includes(user), user);
        assert.deepEqual(listed, ["file"]);
        assert.deepEqual(answers.layers, []);
      },
    },
    {
      name: "what it writes to and deletes from /usr is its own: the host's programs and the neighbour's are as they were",
      async run(scene) {
        const programs = ["/usr/bin/env", "/usr/bin/python3"];
        const before = programs.map(digest);
        await scene.run(
          "echo evil > /usr/bin/env; echo evil > $(readlink -f /usr/bin/python3); rm -f /usr/bin/true; mv /usr/lib/python3 /usr/lib/gone; ls /usr/bin/env",
        );
        assert.deepEqual(programs.map(digest), before);
        const { stdout } = await scene.host.neighbour.sandbox.commands.run("sha256sum /usr/bin/env && true");
        assert.equal(stdout.split(" ")[0], before[0]);
      },
    },
    {
      name: "the agent's program cannot be rewritten, neither where it runs nor for the next sandbox",
      async run(scene) {
        const { stdout } = await scene.run(
          `exec 2>/dev/null
${scene.isolation === "gvisor" ? "cp /usr/bin/dash d && exec ./d -c '(echo evil > /proc/1/exe) && echo wrote; echo done'" : `for path in /proc/1/exe /proc/self/exe /proc/[0-9]*/exe; do (echo evil > $path) && echo "wrote $path"; done`}
echo evil > /run/sandglass/agent; echo evil > /run/sandglass/repl.py; echo done`,
        );
        assert.equal(stdout, "done\n");
        assert.equal((await scene.run("echo lives")).stdout, "lives\n");
      },
    },
    {
      name: "a crash inside starts no dump of memory, however its limit is asked to change",
      async run(scene) {
        const limits = await scene.python(`
import json, resource, subprocess
before = resource.getrlimit(resource.RLIMIT_CORE)
for wanted in ((0, 0), (0, 1), (1 << 30, 1 << 30)):
    try: resource.setrlimit(resource.RLIMIT_CORE, wanted)
    except (OSError, ValueError): pass
subprocess.run(["bash", "-c", "ulimit -c 0; ulimit -c unlimited; kill -SEGV $$"])
print(json.dumps([before, resource.getrlimit(resource.RLIMIT_CORE)]))`);
        // 1 is what keeps the kernel from piping a dump to the host's handler; gVisor's processes are none of the host's.
        const expected = scene.isolation === "gvisor" ? limits[0] : [1, 1];
        assert.deepEqual(limits, [expected, expected]);
      },
    },
  ],
};
