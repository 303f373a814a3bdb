import assert from "node:assert/strict";
import { constants } from "node:os";
import { arch } from "node:process";
import { DENIED_CALLS } from "@sandglass/runtime/drivers";
import type { Attack, Theme } from "../attack.ts";
import { type Call, callInside } from "../calls.ts";
import type { Scene } from "../scene.ts";

const number = (name: string): number => {
  const call = DENIED_CALLS.find((denied) => denied.name === name);
  if (call === undefined) throw new Error(`${name} is not in the policy`);
  return arch === "x64" ? call.x64 : call.arm64;
};

/** What the filter answers with EPERM, on the host's kernel and on a guest's. */
function refused(
  name: string,
  calls: Readonly<Record<string, readonly [name: string, ...rest: (number | "p")[]]>>,
): Attack {
  return {
    name,
    async run(scene) {
      const numbered = Object.entries(calls).map(([what, [call, ...rest]]): [string, Call] => [
        what,
        [number(call), ...rest],
      ]);
      const answers = await callInside(scene, Object.fromEntries(numbered));
      for (const [what, answer] of Object.entries(answers)) assert.equal(answer, "EPERM", what);
    },
  };
}

const NEW = { ns: 0x20000, cgroup: 0x2000000, uts: 0x4000000, ipc: 0x8000000, user: 0x10000000 };
const MORE = { pid: 0x20000000, net: 0x40000000, time: 0x80 };
const UNSHARE = Object.fromEntries(
  Object.entries({ ...NEW, ...MORE }).map(([name, flag]) => [name, ["unshare", flag] as const]),
);

async function everyDeniedCall(scene: Scene): Promise<void> {
  const calls = DENIED_CALLS.filter((call) => (arch === "x64" ? call.x64 : call.arm64) >= 0);
  const answers = await callInside(
    scene,
    Object.fromEntries(calls.map(({ name }) => [name, [number(name)] as const])),
  );
  assert.deepEqual(answers, Object.fromEntries(calls.map(({ name, errno = "EPERM" }) => [name, errno])));
}

/** Calls on the kernel that need more than a sandbox has. */
export const kernelCalls: Theme = {
  name: "calls on the kernel",
  attacks: [
    {
      name: "each call of the deny-list answers its errno, and does nothing",
      run: everyDeniedCall,
    },
    {
      name: "calls newer than anybody has looked at answer as a kernel that has none of them",
      async run(scene) {
        const calls = Object.fromEntries([470, 471, 480, 512, 1000].map((n) => [String(n), [n] as const]));
        for (const answer of Object.values(await callInside(scene, calls))) assert.equal(answer, "ENOSYS");
      },
    },
    {
      name: "the 32-bit door to the kernel ends who knocks, and no filter is passed by it",
      async run(scene) {
        if (arch !== "x64") return;
        const calls = DENIED_CALLS.filter(({ x64 }) => x64 >= 0);
        const program = await scene.place("other_abi");
        const { signal, cause, stdout } = await scene.run([program, ...calls.map(({ x64 }) => String(x64))]);
        if (scene.isolation === "gvisor" && cause === "exited") {
          // There it is the same door in versions of 2022: the numbers of the other one, and its filter.
          const answers = calls.map(({ x64, errno }) => `${x64}: ${-constants.errno[errno ?? "EPERM"]}\n`);
          return assert.equal(stdout, answers.join(""));
        }
        assert.deepEqual({ signal, cause, stdout }, { signal: "SIGSYS", cause: "killed", stdout: "" });
      },
    },
    refused("ptrace of the agent, of itself or of a sibling is refused", {
      attach: ["ptrace", 16, 1],
      seize: ["ptrace", 0x4206, 1],
      traceme: ["ptrace", 0],
    }),
    refused("memory of other processes is neither read nor written", {
      read: ["process_vm_readv", 1, "p", 1, "p", 1],
      write: ["process_vm_writev", 1, "p", 1, "p", 1],
      madvise: ["process_madvise", 3, "p", 1, 4],
      move: ["move_pages", 1, 0],
      migrate: ["migrate_pages", 1, 64, "p", "p"],
    }),
    refused("nothing can be mounted, uncovered or remounted, by the old interface", {
      mount: ["mount", "p", "p", "p", 0, 0],
      bind: ["mount", "p", "p", 0, 4096],
      remount: ["mount", 0, "p", 0, 32],
      umount: ["umount2", "p", 2],
    }),
    refused("nothing can be mounted by the new interface either", {
      fsopen: ["fsopen", "p", 0],
      fsmount: ["fsmount", 3, 0, 0],
      fspick: ["fspick", -100, "p", 0],
      openTree: ["open_tree", -100, "p", 1],
      openTreeAttr: ["open_tree_attr", -100, "p", 1, "p", 32],
      moveMount: ["move_mount", -100, "p", -100, "p", 0],
      setattr: ["mount_setattr", -100, "p", 0, "p", 32],
    }),
    refused("no namespace of any kind can be made by unshare", UNSHARE),
    {
      name: "no namespace can be made by clone or clone3 either",
      async run(scene) {
        const clone = arch === "x64" ? 56 : 220;
        const flags = Object.entries({ ...NEW, pid: MORE.pid, net: MORE.net });
        const calls: [string, Call][] = flags.map(([name, flag]) => [name, [clone, flag | 17]]);
        const answers = await callInside(scene, { ...Object.fromEntries(calls), clone3: [435, "p", 64] });
        const { clone3, ...others } = answers;
        assert.equal(clone3, "ENOSYS");
        for (const [name, answer] of Object.entries(others)) assert.equal(answer, "EPERM", name);
      },
    },
    {
      name: "setns enters no namespace, of its own or of process 1",
      async run(scene) {
        const entered = await scene.python(`
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
entered = []
for pid in ("self", "1"):
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"):
        try: fd = os.open("/proc/%s/ns/%s" % (pid, name), os.O_RDONLY)
        except OSError: continue
        if libc.setns(fd, 0) == 0: entered.append(pid + name)
print(json.dumps(entered))`);
        assert.deepEqual(entered, []);
      },
    },
    refused("the root cannot be changed by pivot_root or chroot", {
      pivot: ["pivot_root", "p", "p"],
      chroot: ["chroot", "p"],
    }),
    refused("no program can be loaded into the kernel by bpf, and no counter opened by perf_event_open", {
      map: ["bpf", 0, "p", 72],
      load: ["bpf", 5, "p", 72],
      perf: ["perf_event_open", "p", 0, -1, -1, 0],
    }),
    refused("the kernel's keyrings are closed", {
      add: ["add_key", "p", "p", "p", 1, -3],
      request: ["request_key", "p", "p", 0, -3],
      keyctl: ["keyctl", 0, -3, 1],
      join: ["keyctl", 1, 0],
    }),
    {
      name: "userfaultfd cannot stop the kernel in the middle of a copy, as a call or as a device",
      async run(scene) {
        const answers = await callInside(scene, { call: [number("userfaultfd"), 1] });
        assert.equal(answers.call, "EPERM");
        assert.notEqual((await scene.run("exec 3< /dev/userfaultfd")).exitCode, 0);
      },
    },
    {
      name: "io_uring is not there, nor the kernel's own asynchronous I/O, whose requests are counted for the whole host",
      async run(scene) {
        const { aio, ...uring } = await callInside(scene, {
          setup: [425, 8, "p"],
          enter: [426, 3, 1, 0, 0, 0, 0],
          register: [427, 3, 0, "p", 1],
          aio: [number("io_setup"), 65_536, "p"],
        });
        for (const [name, answer] of Object.entries(uring)) assert.equal(answer, "EPERM", name);
        assert.equal(aio, "ENOSYS");
      },
    },
    refused("no module can be loaded or unloaded, no other kernel started", {
      init: ["init_module", "p", 1, "p"],
      finit: ["finit_module", 0, "p", 0],
      delete: ["delete_module", "p", 0],
      kexec: ["kexec_load", 0, 0, "p", 0],
      kexecFile: ["kexec_file_load", 0, 0, 0, "p", 0],
      reboot: ["reboot", 0xfee1dead, 672_274_793, 0x1234567, 0],
    }),
    refused("the host's clock, swap, quotas and accounting stay as they are", {
      settime: ["clock_settime", 0, "p"],
      settimeofday: ["settimeofday", "p", 0],
      adjust: ["adjtimex", "p"],
      swapon: ["swapon", "p", 0],
      acct: ["acct", 0],
      quota: ["quotactl", 0x80000100, "p", 0, 0],
      quotaFd: ["quotactl_fd", 3, 0x80000100, 0, 0],
    }),
    refused("files cannot be opened by handle, past every directory", {
      open: ["open_by_handle_at", 3, "p", 0],
      name: ["name_to_handle_at", -100, "p", "p", "p", 0],
    }),
  ],
};
