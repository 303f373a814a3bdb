import assert from "node:assert/strict";
import { arch } from "node:process";
import { after, before, describe, test } from "node:test";
import { DENIED_CALLS, SOCKET_FAMILIES } from "@sandglass/runtime/drivers";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

const NAMESPACE_FLAGS = {
  CLONE_NEWNS: 0x00020000,
  CLONE_NEWCGROUP: 0x02000000,
  CLONE_NEWUTS: 0x04000000,
  CLONE_NEWIPC: 0x08000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
};
const SIGCHLD = 17;
const LAST_FAMILY = 45; // AF_MCTP, the last of linux/socket.h

/** Makes each call of a table by its number; answers with errno by name, or "allowed". */
const CALLER = `
import ctypes, errno, json, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
answers = {}
for name, number, *arguments in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in (arguments + [0] * 6)[:6]))
    answers[name] = "allowed" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), "?")
print(json.dumps(answers))`;

/** What code inside may not ask of the kernel, asked by code inside. */
export function seccompContract(host: () => DriverUnderTest): void {
  describe("system calls", () => {
    let sandbox: ContractSandbox;
    before(async () => {
      sandbox = await ContractSandbox.create(host().driver);
    });
    after(() => sandbox.end());

    const ask = (calls: readonly (readonly [name: string, number: number, ...rest: number[]])[]) =>
      sandbox.python<Record<string, string>>(CALLER, JSON.stringify(calls));

    test("every call of the policy is refused", async () => {
      const calls = DENIED_CALLS.filter((call) => numberOf(call) >= 0);
      const answers = await ask(calls.map((call) => [call.name, numberOf(call)] as const));
      assert.deepEqual(answers, Object.fromEntries(calls.map(({ name, errno = "EPERM" }) => [name, errno])));
    });

    test("a call of another numbering is refused", async (t) => {
      if (arch !== "x64") return t.skip("x32 is of x86-64");
      // getpid as x32 numbers it: a kernel without x32 would answer ENOSYS, one with it the pid.
      assert.deepEqual(await ask([["getpid", 0x40000000 + 39]]), { getpid: "EPERM" });
    });

    test("clone makes processes, and no namespace of any kind", async () => {
      const answers = await sandbox.python<Record<string, string>>(
        `
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
number, flags = json.loads(sys.argv[1])
answers = {}
for name, flag in flags.items():
    ctypes.set_errno(0)
    pid = libc.syscall(ctypes.c_long(number), ctypes.c_long(flag | ${SIGCHLD}), *[ctypes.c_long(0)] * 5)
    if pid == 0: os._exit(0)
    answers[name] = "allowed" if pid > 0 else errno.errorcode.get(ctypes.get_errno(), "?")
print(json.dumps(answers))`,
        JSON.stringify([arch === "x64" ? 56 : 220, { ...NAMESPACE_FLAGS, none: 0 }]),
      );
      const refused = Object.keys(NAMESPACE_FLAGS).map((name) => [name, "EPERM"]);
      assert.deepEqual(answers, { ...Object.fromEntries(refused), none: "allowed" });
    });

    test("sockets are of the few families that programs need", async () => {
      const allowed = new Map(SOCKET_FAMILIES.map(({ name, number }) => [number, name]));
      const families = Array.from({ length: LAST_FAMILY + 1 }, (_, family) => family);
      const [stream, raw] = [1, 3];
      const number = arch === "x64" ? 41 : 198;
      const answers = await ask(
        families.map((family) => [
          String(family),
          number,
          family,
          allowed.get(family) === "AF_NETLINK" ? raw : stream,
        ]),
      );
      for (const family of families) {
        const expected = allowed.has(family) ? "allowed" : "EAFNOSUPPORT";
        assert.equal(answers[family], expected, `family ${family} ${allowed.get(family) ?? ""}`);
      }
    });

    test("what programs do every day is not in the way", async () => {
      const line =
        "python3 -c 'import threading, subprocess, mmap; t = threading.Thread(target=print); t.start(); t.join(); subprocess.run([\"true\"], check=True)' && mkfifo /tmp/f && ln -s f /tmp/g && chmod 600 /tmp/f && nice true && (sleep 0 & wait)";
      assert.equal(await sandbox.shell(line), "\n");
    });
  });
}

function numberOf(call: (typeof DENIED_CALLS)[number]): number {
  return arch === "x64" ? call.x64 : call.arm64;
}
