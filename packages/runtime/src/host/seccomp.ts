import { CLONE_NAMESPACE_FLAGS, DENIED_CALLS, SOCKET_FAMILIES } from "./seccomp-policy.ts";

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const errnoReturn = (errno: number): number => 0x00050000 | errno;

// Classic BPF opcodes (linux/filter.h) and offsets into struct seccomp_data (linux/seccomp.h).
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

interface Architecture {
  audit: number;
  key: "x64" | "arm64";
  clone: number;
  socket: number;
  prlimit: number;
}
const ARCHITECTURES: Record<string, Architecture> = {
  x64: { audit: 0xc000003e, key: "x64", clone: 56, socket: 41, prlimit: 302 },
  arm64: { audit: 0xc00000b7, key: "arm64", clone: 220, socket: 198, prlimit: 261 },
};

type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

/**
 * The policy of `seccomp-policy.ts` as a classic BPF program, in the form that `bwrap --seccomp` reads.
 * Calls of another architecture kill the process: their numbers would mean something else.
 */
export function compileSeccomp(arch: string = process.arch): Buffer {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) throw new Error(`there is no seccomp filter for the architecture ${arch}`);
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, architecture.audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
  ];
  // x32: the same architecture value with a bit in the number.
  if (arch === "x64") program.push([JUMP_AT_LEAST, 0, 1, 0x40000000], [RETURN, 0, 0, errnoReturn(EPERM)]);
  for (const call of DENIED_CALLS) {
    const number = call[architecture.key];
    if (number < 0) continue;
    program.push(
      [JUMP_EQUAL, 0, 1, number],
      [RETURN, 0, 0, errnoReturn(call.errno === "ENOSYS" ? ENOSYS : EPERM)],
    );
  }
  program.push(
    [JUMP_EQUAL, 0, 4, architecture.clone],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    [JUMP_ANY_BIT, 0, 1, CLONE_NAMESPACE_FLAGS],
    [RETURN, 0, 0, errnoReturn(EPERM)],
    [LOAD, 0, 0, NUMBER],
    // prlimit64 of another process than the caller's own (0): it could starve the agent of descriptors.
    [JUMP_EQUAL, 0, 4, architecture.prlimit],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    [JUMP_EQUAL, 1, 0, 0],
    [RETURN, 0, 0, errnoReturn(EPERM)],
    [LOAD, 0, 0, NUMBER],
    [JUMP_EQUAL, 0, SOCKET_FAMILIES.length + 2, architecture.socket],
    [LOAD, 0, 0, FIRST_ARGUMENT],
  );
  SOCKET_FAMILIES.forEach((family, i) => {
    program.push([JUMP_EQUAL, SOCKET_FAMILIES.length - i, 0, family.number]);
  });
  program.push([RETURN, 0, 0, errnoReturn(EAFNOSUPPORT)], [RETURN, 0, 0, ALLOW]);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jumpTrue, i * 8 + 2);
    bytes.writeUInt8(jumpFalse, i * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4);
  });
  return bytes;
}
