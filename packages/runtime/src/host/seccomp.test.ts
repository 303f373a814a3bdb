import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileSeccomp } from "./seccomp.ts";
import { CLONE_NAMESPACE_FLAGS, DENIED_CALLS, SOCKET_FAMILIES } from "./seccomp-policy.ts";

const ARCHITECTURES = {
  x64: { audit: 0xc000003e, clone: 56, socket: 41, allowed: [0, 1, 39, 57, 59, 231, 257] },
  arm64: { audit: 0xc00000b7, clone: 220, socket: 198, allowed: [56, 63, 64, 93, 172, 221] },
} as const;

/** What the kernel's interpreter answers (linux/filter.h, the instructions a seccomp filter uses): "allow", "kill", or an errno. */
function run(program: Buffer, call: { audit: number; number: number; argument?: number }): string | number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.audit, 4);
  data.writeUInt32LE((call.argument ?? 0) >>> 0, 16);
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

for (const [name, arch] of Object.entries(ARCHITECTURES)) {
  describe(`the filter for ${name}`, () => {
    const program = compileSeccomp(name);
    const ask = (number: number, argument?: number): string | number =>
      run(program, { audit: arch.audit, number, ...(argument === undefined ? {} : { argument }) });

    test("is a program the kernel takes", () => {
      assert.equal(program.length % 8, 0);
      assert.ok(program.length / 8 <= 4096, "BPF_MAXINSNS");
    });

    test("denies every call of the policy with its errno, and no other by accident", () => {
      const denied = new Map(DENIED_CALLS.map((call) => [name === "x64" ? call.x64 : call.arm64, call]));
      denied.delete(-1);
      for (let number = 0; number < 500; number++) {
        if (number === arch.clone || number === arch.socket) continue;
        const call = denied.get(number);
        const expected = call === undefined ? "allow" : call.errno === "ENOSYS" ? 38 : 1;
        assert.equal(ask(number), expected, `${number} ${call?.name ?? ""}`);
      }
      for (const number of arch.allowed) assert.equal(ask(number), "allow", String(number));
    });

    test("lets clone make processes and threads, and refuses each namespace", () => {
      assert.equal(ask(arch.clone, 17), "allow");
      const thread = 0x3d0f00; // what libc asks for a thread
      assert.equal(ask(arch.clone, thread), "allow");
      for (let bit = 0; bit < 32; bit++) {
        const flag = 2 ** bit;
        const isNamespace = (CLONE_NAMESPACE_FLAGS & flag) !== 0;
        assert.equal(ask(arch.clone, flag | 17), isNamespace ? 1 : "allow", `flag ${flag.toString(16)}`);
      }
    });

    test("allows the socket families of the list alone", () => {
      const allowed = new Set(SOCKET_FAMILIES.map(({ number }) => number));
      for (let family = 0; family < 64; family++)
        assert.equal(ask(arch.socket, family), allowed.has(family) ? "allow" : 97, `family ${family}`);
      assert.equal(ask(arch.socket, 0xffffffff), 97);
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
