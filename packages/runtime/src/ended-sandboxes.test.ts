import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExecInfo, newExecId, newSandboxId, type SandboxInfo } from "@sandglass/protocol";
import { EndedSandbox } from "./ended-sandbox.ts";
import { EndedSandboxes } from "./ended-sandboxes.ts";
import { EndedExec } from "./exec/ended-exec.ts";

const MIB = 1024 ** 2;

/** One with an exec whose command has this many characters. */
function sandbox(commandChars: number): EndedSandbox {
  const id = newSandboxId();
  const info = { id, cause: "user" } as SandboxInfo;
  const exec = { id: newExecId(), sandboxId: id, command: "x".repeat(commandChars) } as ExecInfo;
  const output = { memoryBytes: 0, lines: async function* () {} };
  return new EndedSandbox("mine", info, [new EndedExec(exec, output)]);
}

test("of the ended sandboxes the last thousand are known", () => {
  const ended = new EndedSandboxes();
  const all = Array.from({ length: 1003 }, () => sandbox(10));
  for (const one of all) ended.add(one);
  assert.deepEqual([...ended.values()], all.slice(3));
  assert.equal(ended.get(all[2]!.id), undefined);
  assert.equal(ended.get(all[3]!.id), all[3]);
});

test("where their execs take too much memory, those of the oldest are forgotten, and the sandboxes are not", () => {
  const ended = new EndedSandboxes(10 * MIB);
  const all = Array.from({ length: 8 }, () => sandbox(MIB));
  for (const one of all) ended.add(one);
  const known = [...ended.values()].map((one) => one.execs().length);
  assert.deepEqual(known, [0, 0, 0, 0, 1, 1, 1, 1]);
  ended.delete(all[7]!.id);
  ended.add(sandbox(MIB));
  assert.deepEqual(
    [...ended.values()].map((one) => one.execs().length),
    [0, 0, 0, 0, 1, 1, 1, 1],
  );
});

test("one that has ended is described, may be ended again, and takes no other call", async () => {
  const one = sandbox(1);
  const [exec] = one.execs();
  assert.equal(one.info().cause, "user");
  await one.terminate();
  const refused = { code: "SANDBOX_ENDED", message: `sandbox ${one.id} has ended (user)` };
  for (const call of [one.exec(), one.pause(), one.resume(), one.files.list("/", {} as never)])
    await assert.rejects(call, refused);
  await assert.rejects(one.getExec(exec?.id ?? "").kill("SIGTERM", {} as never), { code: "EXEC_ENDED" });
  assert.throws(() => one.getExec("exec_of_another"), { code: "EXEC_NOT_FOUND" });
});
