import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { agentPid, sandboxPids, sandboxPidsNamed } from "../host-traces.ts";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/** Walls: between a sandbox and the host, and between two sandboxes. */
export function isolationContract(host: () => DriverUnderTest): void {
  describe("isolation", () => {
    const mount = { source: "", target: "/srv/data" };
    let one: ContractSandbox;
    let two: ContractSandbox;

    before(async () => {
      mount.source = await mkdtemp(join(tmpdir(), "sg-mount-"));
      await chmod(mount.source, 0o755);
      await writeFile(join(mount.source, "set.csv"), "a,b\n");
      [one, two] = await Promise.all([
        ContractSandbox.create(host().driver, {}, [mount]),
        ContractSandbox.create(host().driver),
      ]);
    });
    after(async () => {
      await Promise.all([one.end(), two.end()]);
      await rm(mount.source, { recursive: true });
    });

    test("a process is root inside and a user that the host does not know outside", async () => {
      assert.equal(await one.shell("id -u; id -g"), "0\n0\n");
      if (!host().driver.capabilities.hasOwnUsers) {
        // Of an ordinary user without subordinate ids: its own, which is nobody's to become.
        const uids = new Set(sandboxPids(one.id).flatMap(uidsOf));
        return assert.deepEqual([...uids], [process.getuid?.()]);
      }
      const uids = [one, two].map((sandbox) => {
        const found = sandboxPids(sandbox.id).map(uidsOf);
        assert.ok(found.length > 0);
        const [first = 0] = found[0] ?? [];
        assert.ok(first >= 100_000, `uid ${first}`);
        for (const four of found) assert.deepEqual(four, [first, first, first, first]);
        return first;
      });
      assert.notEqual(uids[0], uids[1], "two sandboxes share a uid");
      assert.ok(!readFileSync("/etc/passwd", "utf8").includes(`:${uids[0]}:`));
    });

    test("a process has no capability, can gain none, and runs under a filter", async () => {
      const status = await one.shell("cat /proc/self/status");
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd"])
        assert.match(status, new RegExp(`^${set}:\\s+0{16}$`, "m"));
      // A guest's kernel says less of itself.
      if (!host().driver.capabilities.hasGuestKernel) {
        assert.match(status, /^CapAmb:\s+0{16}$/m);
        assert.match(status, /^NoNewPrivs:\s+1$/m);
      }
      assert.match(status, /^Seccomp:\s+2$/m);
    });

    test("it has its own namespace of every kind, other than the host's and other than its neighbour's", async () => {
      const linksOf = ({ id }: ContractSandbox): string[] =>
        NAMESPACES.map((name) => readlinkSync(`/proc/${agentPid(id)}/ns/${name}`));
      const [a, b] = [linksOf(one), linksOf(two)];
      NAMESPACES.forEach((name, at) => {
        const outside = readlinkSync(`/proc/self/ns/${name}`);
        assert.equal(
          new Set([outside, a?.[at], b?.[at]]).size,
          3,
          `${name}: ${outside} ${a?.[at]} ${b?.[at]}`,
        );
      });
    });

    test("it has a host name of its own", async () => {
      assert.equal(await one.shell("hostname"), "sandbox\n");
    });

    test("it sees its own processes, numbered from 1, and nobody else's", async () => {
      const sleeper = await two.start(["sleep", "1000"]);
      if (!host().driver.capabilities.hasGuestKernel)
        assert.equal(sandboxPidsNamed(two.id, "sleep").length, 1);
      const names = await one.shell("cat /proc/[0-9]*/comm");
      assert.ok(!names.includes("sleep"), names);
      assert.ok(!names.includes("node"), names);
      assert.equal(await one.shell("cat /proc/1/comm >/dev/null && echo is there"), "is there\n");
      sleeper.group.kill();
    });

    test("its network is a loopback of its own: no way to the host's, none out", async () => {
      const listener = createServer((socket) => socket.end("the host"));
      const abstract = createServer((socket) => socket.end("the host"));
      const name = `sg-${randomUUID()}`;
      await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
      await new Promise<void>((resolve) => abstract.listen(`\0${name}`, resolve));
      try {
        const found = await one.python<Record<string, unknown>>(
          `
import json, socket, sys
def attempt(family, address):
    try:
        s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(5); s.connect(address)
        return "connected"
    except OSError as error: return error.strerror
server = socket.create_server(("127.0.0.1", 0))
print(json.dumps({
  "interfaces": [name for _, name in socket.if_nameindex()],
  "own": attempt(socket.AF_INET, server.getsockname()),
  "tcp": attempt(socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))),
  "abstract": attempt(socket.AF_UNIX, "\\0" + sys.argv[2]),
  "out": attempt(socket.AF_INET, ("192.0.2.1", 80)),
}))`,
          String((listener.address() as { port: number }).port),
          name,
        );
        assert.deepEqual(found, {
          interfaces: ["lo"],
          own: "connected",
          tcp: "Connection refused",
          abstract: "Connection refused",
          out: "Network is unreachable",
        });
      } finally {
        listener.close();
        abstract.close();
      }
    });

    test("/usr can be written, and nobody else ever sees it", async (t) => {
      if (!host().driver.capabilities.hasWritableUsr) return t.skip("this driver keeps /usr read-only");
      const digest = (): string => createHash("sha256").update(readFileSync("/usr/bin/fold")).digest("hex");
      const untouched = digest();
      await one.shell("echo '#!/bin/sh' > /usr/bin/fold && rm /usr/bin/shuf && echo mine > /usr/lib/mine");
      assert.equal(await one.shell("wc -c < /usr/bin/fold"), "10\n");
      assert.equal(
        await two.shell("sha256sum < /usr/bin/fold | cut -d' ' -f1; ls /usr/lib | grep -c mine; true"),
        `${untouched}\n0\n`,
      );
      assert.equal(digest(), untouched);
      assert.ok(existsSync("/usr/bin/shuf") && !existsSync("/usr/lib/mine"));
    });

    test("a mounted directory is read, and cannot be written", async () => {
      assert.equal(await one.shell("cat /srv/data/set.csv"), "a,b\n");
      for (const line of ["echo x > /srv/data/set.csv", "touch /srv/data/new", "rm /srv/data/set.csv"]) {
        const { code, stderr } = await one.run(["/bin/sh", "-c", line]);
        assert.notEqual(code, 0, line);
        assert.match(stderr, /Read-only file system|Permission denied/);
      }
      assert.equal(await readFile(join(mount.source, "set.csv"), "utf8"), "a,b\n");
      assert.equal(await two.shell("ls /srv/data 2>/dev/null; true"), "", "the neighbour has it too");
    });

    test("what it knows of its mounts names no path of the host beyond those mounted for it", async () => {
      const known = await one.shell("cat /proc/self/mounts /proc/self/mountinfo /proc/self/cgroup");
      const others = known.split("\n").filter((line) => !line.includes(mount.target));
      for (const path of [host().dataDir, `${tmpdir()}/`, process.cwd(), "/home", one.id, two.id])
        assert.deepEqual(
          others.filter((line) => line.includes(path)),
          [],
          path,
        );
    });

    test("nothing of the host's environment is inside, nor anything open but the three streams", async () => {
      // The agent and whatever else runs there were started by a process that has it.
      assert.equal(process.env.SANDGLASS_CONTRACT_CANARY, "canary-4711");
      assert.equal(await one.shell("env | cut -d= -f1 | sort | grep -v -e ^_$ -e ^OLDPWD$"), "PATH\nPWD\n");
      assert.equal(
        await one.shell("cat /proc/[0-9]*/environ 2>/dev/null | grep -ac canary-4711; true"),
        "0\n",
      );
      const open = await one.python<string[]>(
        "import json, os; print(json.dumps([n for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)]))",
      );
      assert.deepEqual(open.toSorted(), ["0", "1", "2"]);
    });

    test("process 1, which talks to the host, keeps to itself", async () => {
      const found = await one.python<Record<string, string>>(`
import json, os
result = {}
for name in ("mem", "environ", "maps", "auxv", "stack", "syscall", "fd/3", "exe", "root", "cwd"):
    try:
        path = "/proc/1/" + name
        if name in ("exe", "root", "cwd"): os.readlink(path)
        else: os.read(os.open(path, os.O_RDONLY), 1)
        result[name] = "read"
    except OSError as error: result[name] = error.strerror
try: os.readlink("/proc/1/fd/3"); result["link"] = "read"
except OSError as error: result["link"] = error.strerror
print(json.dumps(result))`);
      // gVisor shows what is not secret of a process to all of its user: how it was started, and that it has a socket.
      const shown = host().driver.capabilities.hasGuestKernel ? ["environ", "maps", "auxv", "link"] : [];
      assert.deepEqual(
        Object.entries(found).filter(([name, answer]) => answer === "read" && !shown.includes(name)),
        [],
      );
    });

    test("the kernel's knobs and the machine's devices are out of reach", async () => {
      const attempts = [
        "echo 1 > /proc/sys/kernel/panic",
        "echo c > /proc/sysrq-trigger",
        "head -c1 /proc/kcore",
        "head -c1 /dev/kmsg",
        "mknod /tmp/disk b 8 0",
        "cat /etc/shadow",
        // A guest's /sys is its own kernel's.
        ...(host().driver.capabilities.hasGuestKernel ? [] : ["ls /sys/kernel"]),
        `ls ${host().dataDir}`,
      ];
      for (const line of attempts) {
        const { code, stdout } = await one.run(["/bin/sh", "-c", `exec 2>/dev/null; ${line}`]);
        assert.notEqual(code, 0, `"${line}" answered ${JSON.stringify(stdout)}`);
      }
      const devices = (await one.shell("find /dev -type b -o -type c -printf '%f\\n' | sort"))
        .trim()
        .split("\n");
      // A guest's FUSE is its own kernel's.
      const own = host().driver.capabilities.hasGuestKernel ? ["fuse"] : [];
      const harmless = [...own, "console", "full", "null", "ptmx", "random", "tty", "urandom", "zero"];
      assert.deepEqual(
        devices.filter((name) => !harmless.includes(name)),
        [],
      );
    });
  });
}

function uidsOf(pid: number): number[] {
  const match = /^Uid:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return (match?.[1] ?? "").split("\t").map(Number);
}
