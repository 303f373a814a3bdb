import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { run, startRuntime, type TestRuntime } from "@sandglass/testkit";

interface Expected {
  code?: number;
  stdout?: string;
  stderr?: RegExp;
  result?: string;
}

describe("a JavaScript cell", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "node", memoryMb: 1024 });
  });
  after(() => host.close());

  const cells: [why: string, code: string, expected: Expected][] = [
    ["its last expression is its result", "const a = 20; a * 2 + 2", { result: "42" }],
    ["const, let, class and function last", "let b = 1; class C {}; function f() { return 7 }", {}],
    ["and are there in the next cell", "[a, b, typeof C, f()]", { result: "[ 20, 1, 'function', 7 ]" }],
    [
      "top-level await",
      "const later = await new Promise((done) => setTimeout(done, 5, 'later')); later",
      { result: "'later'" },
    ],
    ["what was awaited lasts", "later", { result: "'later'" }],
    ["a promise as the last value is awaited", "Promise.resolve(42)", { result: "42" }],
    ["an object is an object, not a block", "{ x: 1 }", { result: "{ x: 1 }" }],
    ["undefined is no result", "undefined", {}],
    ["null is one", "null", { result: "null" }],
    ["a statement as the last has none", "var q = 3;", {}],
    [
      "console.log and console.error",
      "console.log('out %d', 1); console.error('err')",
      { stdout: "out 1\n", stderr: /^err\n$/ },
    ],
    [
      "an error, with the cell's own lines only",
      "function g() { throw new TypeError('no') }\ng()",
      { code: 1, stderr: /^TypeError: no\n {4}at g \(cell \d+:1:\d+\)\n {4}at cell \d+:2:1\n$/ },
    ],
    [
      "an error from an await",
      "await Promise.reject(new RangeError('far'))",
      { code: 1, stderr: /RangeError: far/ },
    ],
    ["something thrown that is no error", "throw { a: 1 }", { code: 1, stderr: /Uncaught \{ a: 1 \}/ }],
    ["undefined thrown", "Promise.reject(undefined)", { code: 1, stderr: /rejected with undefined/ }],
    [
      "a rejection that nobody handles",
      "Promise.reject(new Error('stray')); await new Promise((done) => setTimeout(done, 1000))",
      { code: 1, stderr: /stray/ },
    ],
    [
      "an error in a timer of the cell",
      "setTimeout(() => { throw new Error('timer') }, 5); await new Promise((done) => setTimeout(done, 1000))",
      { code: 1, stderr: /timer/ },
    ],
    ["syntax errors", "const = 1", { code: 1, stderr: /SyntaxError/ }],
    ["process.exit(3)", "process.exit(3)", { code: 3 }],
    ["process.exit in an await", "await (async () => process.exit(4))()", { code: 4 }],
    ["process.exit()", "process.exit()", { code: 0 }],
    ["the context is still there", "a + b", { result: "21" }],
    ["require", "require('node:path').basename('/x/y')", { result: "'y'" }],
    ["dynamic import", "(await import('node:os')).EOL", { result: "'\\n'" }],
    ["many characters of every kind", "'\u20ac\u{1f600}\\u2028'", { result: "'\u20ac\u{1f600}\u2028'" }],
    [
      "output in one large piece, before the end",
      "process.stdout.write('x'.repeat(3e6)); 0",
      { stdout: "x".repeat(3_000_000), result: "0" },
    ],
  ];
  for (const [why, code, expected] of cells) {
    test(why, async () => {
      const { exit, stdout, stderr, result } = await run(sandbox, { code, timeoutMs: 20_000 });
      assert.equal(exit.code, expected.code ?? 0, stderr);
      assert.equal(exit.contextLost, undefined, exit.reason);
      assert.equal(stdout, expected.stdout ?? "");
      assert.match(stderr, expected.stderr ?? /^$/);
      assert.equal(result, expected.result);
    });
  }

  for (const [why, code] of [
    ["a loop", "for (;;);"],
    ["an await that never ends", "await new Promise(() => {})"],
  ] as const) {
    test(`${why} is interrupted at its timeout, and the context stays`, async () => {
      await run(sandbox, { code: "globalThis.kept = 1" });
      const { exit } = await run(sandbox, { code, timeoutMs: 150 });
      assert.deepEqual([exit.cause, exit.code, exit.contextLost], ["timed_out", 130, undefined]);
      assert.equal((await run(sandbox, { code: "kept" })).result, "1");
    });
  }

  test("a result of 10 MB is cut, and costs nothing else", async () => {
    await run(sandbox, { code: "globalThis.kept = 2" });
    for (const code of ["'a'.repeat(10_000_000)", "'\u{1f600}'.repeat(4_000_000)"]) {
      const { result = "", exit } = await run(sandbox, { code });
      assert.equal(exit.cause, "exited", exit.reason);
      const bytes = Buffer.byteLength(result);
      assert.ok(bytes > 2_000_000 && bytes <= 8 * 1024 * 1024, `${bytes} bytes`);
    }
    assert.equal((await run(sandbox, { code: "kept" })).result, "2");
  });
});
