import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileSeccomp } from "./seccomp.ts";
import { ARGUMENT_RULES } from "./seccomp-arguments.ts";
import {
  CLONE_NAMESPACE_FLAGS,
  DENIED_CALLS,
  LAST_REVIEWED_CALL,
  SOCKET_FAMILIES,
} from "./seccomp-policy.ts";

const ARCHITECTURES = {
  x64: {
    ...{ audit: 0xc000003e, clone: 56, socket: 41, socketpair: 53, prlimit: 302, setrlimit: 160, mmap: 9 },
    ...{ memfdCreate: 319, allowed: [1, 39, 57, 59, 231, 257] },
  },
  arm64: {
    ...{
      audit: 0xc00000b7,
      clone: 220,
      socket: 198,
      socketpair: 199,
      prlimit: 261,
      setrlimit: 164,
      mmap: 222,
    },
    ...{ memfdCreate: 279, allowed: [56, 63, 64, 93, 172, 221] },
  },
} as const;

/**
 * What the kernel's interpreter answers (linux/filter.h, the instructions a seccomp filter uses): "allow", "kill", or an errno.
 *
 * @param call.arguments 64 bits each; those left out are 0
 */
function run(
  program: Buffer,
  call: { audit: number; number: number; arguments?: readonly (number | bigint)[] },
): string | number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.audit, 4);
  for (const [index, value] of (call.arguments ?? []).entries())
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at * 8 < program.length; at++) {
    const code = program.readUInt16LE(at * 8);
    const k = program.readUInt32LE(at * 8 + 4);
    const jump = (taken: boolean): number => program.readUInt8(at * 8 + (taken ? 2 : 3));
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x15) at += jump(accumulator === k);
    else if (code === 0x35) at += jump(accumulator >= k);
    else if (code === 0x45) at += jump((accumulator & k) !== 0);
    else if (code === 0x06) return k === 0x7fff0000 ? "allow" : k === 0x80000000 ? "kill" : k & 0xffff;
    else throw new Error(`instruction ${at} has the code ${code}`);
  }
  throw new Error("the program ends without an answer");
}

const [EPERM, ENOMEM, ENOSYS, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT] = [1, 12, 38, 93, 94, 97];
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const POINTER = 0x7fff00001000n;
/** Its lower half is 0, as an attacker may choose it. */
const EVEN_POINTER = 0x100000000n;

/** Numbers of the calls that send signals, each with the argument that says to whom. */
const SIGNALS = {
  x64: [
    [62, 0],
    [200, 0],
    [234, 1],
    [129, 0],
    [297, 1],
  ],
  arm64: [
    [129, 0],
    [130, 0],
    [131, 1],
    [138, 0],
    [240, 1],
  ],
} as const;

for (const [name, arch] of Object.entries(ARCHITECTURES)) {
  describe(`the filter for ${name}`, () => {
    const program = compileSeccomp(name);
    const ask = (number: number, ...given: (number | bigint)[]): string | number =>
      run(program, { audit: arch.audit, number, arguments: given });

    test("is a program the kernel takes", () => {
      assert.equal(program.length % 8, 0);
      assert.ok(program.length / 8 <= 4096, "BPF_MAXINSNS");
    });

    test("denies every call of the policy with its errno, and no other by accident", () => {
      const denied = new Map(DENIED_CALLS.map((call) => [name === "x64" ? call.x64 : call.arm64, call]));
      denied.delete(-1);
      const byArgument = new Set(ARGUMENT_RULES.map((rule) => (name === "x64" ? rule.x64 : rule.arm64)));
      for (let number = 0; number <= LAST_REVIEWED_CALL; number++) {
        if (byArgument.has(number)) continue;
        const call = denied.get(number);
        const expected = call === undefined ? "allow" : call.errno === "ENOSYS" ? ENOSYS : EPERM;
        assert.equal(ask(number), expected, `${number} ${call?.name ?? ""}`);
      }
      for (const number of arch.allowed) assert.equal(ask(number), "allow", String(number));
    });

    test("answers calls that nobody has looked at yet as a kernel without them", () => {
      for (const number of [LAST_REVIEWED_CALL + 1, LAST_REVIEWED_CALL + 2, 600, 100_000, 0x3fffffff])
        assert.equal(ask(number), ENOSYS, String(number));
    });

    test("lets clone make processes and threads, and refuses each namespace", () => {
      assert.equal(ask(arch.clone, 17), "allow");
      const thread = 0x3d0f00; // what libc asks for a thread
      assert.equal(ask(arch.clone, thread), "allow");
      for (let bit = 0; bit < 32; bit++) {
        const flag = 2 ** bit;
        const isNamespace = (CLONE_NAMESPACE_FLAGS & flag) !== 0;
        assert.equal(ask(arch.clone, flag | 17), isNamespace ? EPERM : "allow", `flag ${flag.toString(16)}`);
      }
    });

    test("allows the socket families of the list alone, for pairs too", () => {
      const allowed = new Set(SOCKET_FAMILIES.map(({ number }) => number));
      for (const call of [arch.socket, arch.socketpair]) {
        for (let family = 0; family < 64; family++)
          assert.equal(
            ask(call, family, 1, 0),
            allowed.has(family) ? "allow" : EAFNOSUPPORT,
            `family ${family}`,
          );
        assert.equal(ask(call, 0xffffffff), EAFNOSUPPORT);
      }
    });

    test("allows TCP, UDP and ICMP, and of netlink what lists addresses", () => {
      const [unix, netlink] = [1, 16];
      for (const family of [2, 10]) {
        for (const type of [1, 2, 3, 1 | 0x80000, 2 | 0x800]) {
          for (const protocol of [0, 1, 6, 17, 58])
            assert.equal(ask(arch.socket, family, type, protocol), "allow", `${family} ${type} ${protocol}`);
          for (const protocol of [2, 33, 132, 136, 255, 262])
            assert.equal(ask(arch.socket, family, type, protocol), EPROTONOSUPPORT, String(protocol));
        }
        for (const type of [4, 5, 6, 10, 5 | 0x80000])
          assert.equal(ask(arch.socket, family, type, 0), ESOCKTNOSUPPORT, `type ${type}`);
      }
      assert.equal(ask(arch.socket, unix, 5, 0), "allow");
      assert.equal(ask(arch.socket, netlink, 3, 0), "allow");
      for (let protocol = 1; protocol < 32; protocol++)
        assert.equal(ask(arch.socket, netlink, 3, protocol), EPROTONOSUPPORT, String(protocol));
    });

    test("leaves the limit of core dumps where it is, and says it was done; reading it goes on", () => {
      for (const pointer of [POINTER, EVEN_POINTER]) {
        assert.equal(ask(arch.prlimit, 0, RLIMIT_CORE, pointer, 0), 0);
        assert.equal(ask(arch.prlimit, 0, RLIMIT_NOFILE, pointer, 0), "allow");
        assert.equal(ask(arch.prlimit, 7, RLIMIT_NOFILE, pointer, 0), EPERM);
      }
      assert.equal(ask(arch.prlimit, 0, RLIMIT_CORE, 0, POINTER), "allow");
      assert.equal(ask(arch.setrlimit, RLIMIT_CORE, POINTER), 0);
      assert.equal(ask(arch.setrlimit, RLIMIT_NOFILE, POINTER), "allow");
    });

    test("gives no huge pages", () => {
      const [anonymous, hugeTlb] = [0x22, 0x40000];
      assert.equal(ask(arch.mmap, 0, 4096, 3, anonymous), "allow");
      assert.equal(ask(arch.mmap, 0, 4096, 3, anonymous | hugeTlb), ENOMEM);
      assert.equal(ask(arch.memfdCreate, POINTER, 3), "allow");
      assert.equal(ask(arch.memfdCreate, POINTER, 4), ENOMEM);
    });

    test("spares the agent signals inside a guest's kernel, and only there; everybody else gets theirs", () => {
      const guest = compileSeccomp(name, true);
      for (const [number, argument] of name === "x64" ? SIGNALS.x64 : SIGNALS.arm64) {
        const to = (pid: number): number[] => (argument === 0 ? [pid, 9] : [pid, pid, 9]);
        assert.equal(run(guest, { audit: arch.audit, number, arguments: to(1) }), EPERM, String(number));
        for (const pid of [0, -1, 2, 4711])
          assert.equal(run(guest, { audit: arch.audit, number, arguments: to(pid) }), "allow", `${pid}`);
        assert.equal(ask(number, ...to(1)), "allow");
      }
    });

    test("kills who calls as another architecture", () => {
      for (const audit of [0x40000003, 0x40000028, 0xc000003e, 0xc00000b7])
        assert.equal(run(program, { audit, number: 0 }), audit === arch.audit ? ask(0) : "kill");
    });
  });
}

test("a call with x32's bit is refused, whatever its number", () => {
  const program = compileSeccomp("x64");
  for (const number of [0, 39, 165, 435, 0xffffff])
    assert.equal(run(program, { audit: ARCHITECTURES.x64.audit, number: number | 0x40000000 }), 1);
});

test("an architecture without a policy is refused, not left open", () => {
  assert.throws(() => compileSeccomp("riscv64"), /riscv64/);
});

test("no call is in the policy twice", () => {
  for (const key of ["name", "x64", "arm64"] as const) {
    const values = DENIED_CALLS.map((call) => call[key]).filter((value) => value !== -1);
    assert.equal(new Set(values).size, values.length, key);
  }
});
