import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecResult } from "sandglass";
import { headAndTail, toCodeResult } from "./code-result.ts";

function exec(over: Partial<ExecResult>): ExecResult {
  return {
    stdout: "",
    stderr: "",
    result: undefined,
    exitCode: 0,
    cause: "exited",
    durationMs: 1,
    execId: "exec_1",
    traceId: "",
    stdoutBytes: new Uint8Array(),
    stderrBytes: new Uint8Array(),
    ...over,
  };
}

test("a result names what it is made of, and says so where there is nothing", () => {
  const full = toCodeResult(exec({ stdout: "a\n", stderr: "b\n", result: { "text/plain": "1" } }), 100);
  assert.deepEqual([full.text, full.isError], ["a\n[stderr]\nb\n[value]\n1", false]);
  assert.equal(toCodeResult(exec({}), 100).text, "[no output]");
});

test("an ending that is not the code's own is told with its cause, its reason and what became of the variables", () => {
  const ended = exec({ exitCode: 137, cause: "timed_out", reason: "ran longer than 1 s", contextLost: true });
  const { text, isError } = toCodeResult(ended, 100);
  assert.equal(isError, true);
  assert.match(
    text,
    /^\[ended: timed_out, ran longer than 1 s, exit code 137\]\n\[the interpreter was started anew/,
  );
});

test("a text that is too long keeps its two ends, counts what is missing, and never cuts a character in half", () => {
  assert.equal(headAndTail("abcdef", 6), "abcdef");
  assert.equal(headAndTail("abcdefg", 4), "ab\n[… 3 characters left out …]\nfg");
  assert.equal(
    headAndTail("a😀b😀c", 4),
    "a\n[… 3 characters left out …]\n😀c".replace("😀c", "c").replace("3", "5"),
  );
  for (let maxChars = 0; maxChars < 8; maxChars++)
    assert.ok(headAndTail("😀😀😀😀x", maxChars).isWellFormed(), `${maxChars}`);
});
