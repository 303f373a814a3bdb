import { ARGUMENT_RULES, type ArgumentRule, type Condition, GUEST_RULES } from "./seccomp-arguments.ts";
import { DENIED_CALLS, LAST_REVIEWED_CALL } from "./seccomp-policy.ts";

const ERRNO = {
  none: 0,
  EPERM: 1,
  ENOMEM: 12,
  ENOSYS: 38,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EAFNOSUPPORT: 97,
} as const;

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
/** The number of a call as x32, which has the architecture value of x86-64. */
const X32_BIT = 0x40000000;

const ARCHITECTURES: Record<string, { audit: number; key: "x64" | "arm64" }> = {
  x64: { audit: 0xc000003e, key: "x64" },
  arm64: { audit: 0xc00000b7, key: "arm64" },
};

type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

/**
 * The policy of `seccomp-policy.ts` and `seccomp-arguments.ts` as a classic BPF program, in the form that `bwrap --seccomp` reads.
 * Calls of another architecture kill the process: their numbers would mean something else.
 *
 * @param forGuest for the inside of a sandbox with a kernel of its own
 * @throws Error where there is no policy for the architecture
 */
export function compileSeccomp(arch: string = process.arch, forGuest = false): Buffer {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) throw new Error(`there is no seccomp filter for the architecture ${arch}`);
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, architecture.audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
  ];
  if (arch === "x64") program.push([JUMP_AT_LEAST, 0, 1, X32_BIT], [RETURN, 0, 0, errnoReturn(ERRNO.EPERM)]);
  program.push([JUMP_AT_LEAST, 0, 1, LAST_REVIEWED_CALL + 1], [RETURN, 0, 0, errnoReturn(ERRNO.ENOSYS)]);
  for (const call of DENIED_CALLS) {
    const number = call[architecture.key];
    if (number < 0) continue;
    program.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, errnoReturn(ERRNO[call.errno ?? "EPERM"])]);
  }
  for (const rule of forGuest ? [...ARGUMENT_RULES, ...GUEST_RULES] : ARGUMENT_RULES)
    program.push(...ruleOf(rule, rule[architecture.key]));
  program.push([RETURN, 0, 0, ALLOW]);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jumpTrue, i * 8 + 2);
    bytes.writeUInt8(jumpFalse, i * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4);
  });
  return bytes;
}

/** Falls through to what comes behind it where the call is another one or a condition does not hold, with the number loaded again. */
function ruleOf(rule: ArgumentRule, number: number): Instruction[] {
  const refusal: Instruction = [RETURN, 0, 0, errnoReturn(ERRNO[rule.errno])];
  let body: Instruction[] = [refusal];
  // From the last to the first: only then it is known how far the rule's end is.
  for (const condition of rule.when.toReversed()) body = [...conditionOf(condition, body.length), ...body];
  return [[JUMP_EQUAL, 0, body.length + 1, number], ...body, [LOAD, 0, 0, NUMBER]];
}

/** Continues behind itself where it holds, else behind the `toEnd` instructions that follow it. */
function conditionOf(condition: Condition, toEnd: number): Instruction[] {
  const low = FIRST_ARGUMENT + 8 * condition.argument;
  if ("is" in condition)
    return [
      [LOAD, 0, 0, low],
      [JUMP_EQUAL, 0, toEnd, condition.is],
    ];
  if ("hasAnyOf" in condition)
    return [
      [LOAD, 0, 0, low],
      [JUMP_ANY_BIT, 0, toEnd, condition.hasAnyOf],
    ];
  if ("isNoneOf" in condition) {
    const { isNoneOf: values } = condition;
    return [
      [LOAD, 0, 0, low],
      ...values.map((value, i): Instruction => [JUMP_EQUAL, values.length - 1 - i + toEnd, 0, value]),
    ];
  }
  return [
    [LOAD, 0, 0, low],
    [JUMP_EQUAL, 0, 2, 0],
    [LOAD, 0, 0, low + 4],
    [JUMP_EQUAL, toEnd, 0, 0],
  ];
}
