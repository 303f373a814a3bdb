import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { type Ran, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

interface Expected {
  code?: number;
  stdout?: string | RegExp;
  stderr?: string | RegExp;
  result?: string;
}

describe("a Python cell", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python", memoryMb: 1024 });
  });
  after(() => host.close());

  const cell = (code: string): Promise<Ran> => run(sandbox, { code, timeoutMs: 30_000 });

  async function check(
    code: string,
    { code: exitCode = 0, stdout = "", stderr = "", result }: Expected,
  ): Promise<Ran> {
    const ran = await cell(code);
    assert.equal(ran.exit.code, exitCode, ran.stderr);
    assert.equal(ran.exit.contextLost, undefined, ran.exit.reason);
    for (const [found, expected] of [
      [ran.stdout, stdout],
      [ran.stderr, stderr],
    ] as const) {
      if (typeof expected === "string") assert.equal(found, expected);
      else assert.match(found, expected);
    }
    assert.equal(ran.result, result);
    return ran;
  }

  const cells: [why: string, code: string, expected: Expected][] = [
    ["its last expression is its result", "a = 20\na * 2 + 2", { result: "42" }],
    ["a last statement is none", "42\nb = 1", {}],
    ["None is none", "None", {}],
    ["a result of the last cell is _", "_ if (1 + 1) else 0", { result: "42" }],
    ["a semicolon does not matter", "x = 5; x", { result: "5" }],
    ["a string is shown as Python shows it", "'it\\'s\\n\\u00fc'", { result: '"it\'s\\n\u00fc"' }],
    [
      "top-level await",
      "import asyncio\nawait asyncio.sleep(0)\nawait asyncio.sleep(0, 'slept')",
      { result: "'slept'" },
    ],
    [
      "async for and with at top level",
      "async def g():\n    yield 1\nasync for i in g(): print(i)",
      { stdout: "1\n" },
    ],
    [
      "tasks of one loop, from cell to cell",
      "import asyncio\nevent = asyncio.Event()\nasyncio.get_event_loop_policy().get_event_loop().call_soon(event.set)\nawait event.wait()",
      { result: "True" },
    ],
    [
      "an exception, shown with the cell's own lines only",
      "def f():\n    raise ValueError('no')\nf()",
      {
        code: 1,
        stderr:
          /^Traceback \(most recent call last\):\n {2}File "<cell \d+>", line 3, in <module>\n {4}f\(\)\n {2}File "<cell \d+>", line 2, in f\n {4}raise ValueError\('no'\)\nValueError: no\n$/,
      },
    ],
    [
      "the marks of a traceback point at the right place",
      "1/0",
      { code: 1, stderr: /\n {4}1\/0\n {4}~\^~\nZeroDivisionError/ },
    ],
    [
      "a chain of exceptions",
      "try: 1/0\nexcept ZeroDivisionError as e: raise KeyError('k') from e",
      { code: 1, stderr: /ZeroDivisionError[\s\S]*direct cause[\s\S]*KeyError/ },
    ],
    [
      "syntax errors, with the place",
      "x = = 1",
      { code: 1, stderr: /File "<cell \d+>", line 1\n[\s\S]*SyntaxError: invalid syntax/ },
    ],
    ["indentation errors", "if True:\nx = 1", { code: 1, stderr: /IndentationError/ }],
    ["a NUL in the code", "x = '\0'", { code: 1, stderr: /null byte/i }],
    ["sys.exit()", "import sys; sys.exit()", { code: 0 }],
    ["sys.exit(3)", "sys.exit(3)", { code: 3 }],
    ["sys.exit(-1)", "sys.exit(-1)", { code: 255 }],
    ["sys.exit with words", "sys.exit('bye')", { code: 1, stderr: "bye\n" }],
    ["raise SystemExit(True)", "raise SystemExit(True)", { code: 1 }],
    ["exit()", "exit(4)", { code: 4 }],
    [
      "a lasting exit from an await",
      "import asyncio\nasync def leave(): raise SystemExit(6)\nawait leave()",
      { code: 6 },
    ],
    [
      "an error in what shows the result",
      "class Bad:\n    def __repr__(self): raise RuntimeError('no repr')\nBad()",
      { code: 1, stderr: /no repr/ },
    ],
    ["too deep a recursion", "def deep(): deep()\ndeep()", { code: 1, stderr: /RecursionError/ }],
    ["print without a line's end", "print('no', 'end', sep='-', end='')", { stdout: "no-end" }],
    [
      "print to a file, and flushed",
      "import io; f = io.StringIO(); print('x', file=f, flush=True); print(f.getvalue() * 2, flush=True)",
      { stdout: "x\nx\n\n" },
    ],
    ["stderr", "import sys; print('warn', file=sys.stderr)", { stderr: "warn\n" }],
    [
      "what a child process prints",
      "import subprocess; subprocess.run(['echo', 'child'])",
      { stdout: "child\n", result: "CompletedProcess(args=['echo', 'child'], returncode=0)" },
    ],
    [
      "characters that no UTF-8 has",
      "print('\\ud800|\\udcff|\u00fc')",
      { stdout: /^\\ud800\|.*\|\u00fc\n$/ },
    ],
    ["a result of characters that no UTF-8 has", "'\\ud800'", { result: "'\\ud800'" }],
    ["input finds the end of stdin", "input()", { code: 1, stderr: /EOFError/ }],
    ["it is the main module", "__name__", { result: "'__main__'" }],
    [
      "a class can be pickled and found again",
      "import pickle\nclass P: pass\ntype(pickle.loads(pickle.dumps(P()))) is P",
      { result: "True" },
    ],
    [
      "inspect finds the source of a function",
      "import inspect\ndef mine(): return 1\nprint(inspect.getsource(mine))",
      { stdout: "def mine(): return 1\n\n" },
    ],
    [
      "modules of the working directory are imported",
      "open('mymod.py', 'w').write('v = 9')\nimport mymod\nmymod.v",
      { result: "9" },
    ],
    [
      "warnings are shown once, and are no error",
      "import warnings; warnings.warn('careful')",
      { stderr: /UserWarning: careful/ },
    ],
  ];
  for (const [why, code, expected] of cells) test(why, () => check(code, expected).then(() => {}));

  test("a cell that closed a stream leaves the next one its streams", async () => {
    for (const code of [
      "import sys; sys.stdout.close(); sys.stderr.close()",
      "sys.stdout = sys.stderr = None",
      "sys.stderr.close(); 1/0",
    ]) {
      await cell(code);
      await check("import sys; print('out'); print('err', file=sys.stderr)", {
        stdout: "out\n",
        stderr: "err\n",
      });
    }
  });

  test("a value with a rich form is shown in each of them", async () => {
    const { lines } = await cell(`
class Rich:
    def __repr__(self): return "plain"
    def _repr_html_(self): return "<b>html</b>"
    def _repr_png_(self): return b"\\x89PNG"
    def _repr_json_(self): return {"a": [1]}
    def _repr_svg_(self): return None
    def _repr_latex_(self): raise RuntimeError("broken")
    def _repr_markdown_(self): return ("*md*", {})
Rich()`);
    const result = lines.find((line) => line.type === "result");
    assert.deepEqual(result?.data, {
      "text/plain": "plain",
      "text/html": "<b>html</b>",
      "image/png": "iVBORw==",
      "application/json": '{"a": [1]}',
      "text/markdown": "*md*",
    });
    assert.equal((await cell("Rich")).result, "<class '__main__.Rich'>");
  });

  test("a result of 10 MB is cut with a sign that it was, whatever its characters, and costs nothing else", async () => {
    await cell("kept = 1");
    for (const [code, first] of [
      ["'a' * 10_000_000", "'aa"],
      ["'\\U0001F600' * 4_000_000", "'\u{1f600}"],
      ["'\\u20ac' * 4_000_000", "'\u20ac"],
    ] as const) {
      const { result = "", exit } = await cell(code);
      assert.equal(exit.cause, "exited", exit.reason);
      assert.ok(
        result.startsWith(first) && result.endsWith("\u2026"),
        `${result.slice(0, 5)}…${result.slice(-5)}`,
      );
      assert.ok(Buffer.byteLength(result) <= 8 * 1024 * 1024 && Buffer.byteLength(result) > 8_000_000);
    }
    const control = await cell("class C:\n    def __repr__(self): return '\\0' * 8_000_000\nC()");
    assert.equal(control.exit.cause, "exited", control.exit.reason);
    assert.equal((await cell("kept")).result, "1");
  });

  test("a forked child ends with its cell, and takes no cell of its parent's", async () => {
    const parent = (await cell("import os; os.getpid()")).result;
    await cell("pid = os.fork()"); // nobody waits for this one
    for (let at = 0; at < 5; at++) assert.equal((await cell("os.getpid()")).result, parent);
    const { stdout } = await cell("pid = os.fork()\nprint('both')\nif pid: os.waitpid(pid, 0)");
    assert.equal(stdout, "both\nboth\n");
    for (let at = 0; at < 5; at++) assert.equal((await cell("os.getpid()")).result, parent);
  });

  test("what a thread writes after the end of its cell is no part of a later result, and does not stop the thread", async () => {
    await check(
      `
import threading, os, time
def work():
    while not os.path.exists("/tmp/stop"):
        print("x" * 10_000)
        time.sleep(0.001)
    open("/tmp/stopped", "w").close()
thread = threading.Thread(target=work); thread.start()
thread.is_alive()`,
      { stdout: /^x*\n?/, result: "True" },
    );
    await run(sandbox, {
      command: "sleep 0.2; touch /tmp/stop; until [ -e /tmp/stopped ]; do sleep 0.01; done",
      timeoutMs: 10_000,
    });
    await check("thread.join(); 'joined'", { result: "'joined'" });
  });

  test("a stack that overflows in C takes the interpreter along, and it is said", async () => {
    const { exit } = await run(sandbox, {
      code: "import ctypes; ctypes.string_at(0)",
      contextId: "segfault",
    });
    assert.deepEqual([exit.cause, exit.signal, exit.contextLost], ["killed", "SIGSEGV", true]);
  });

  test("everything a cell prints is in its own stream, and before its end", async () => {
    await cell("import os, sys");
    for (let round = 0; round < 150; round++) {
      const { stdout, lines } = await cell(
        `os.write(1, b"a"); sys.stdout.write("b" * ${round}); os.write(1, b"c")\n"r"`,
      );
      assert.equal(stdout, `a${"b".repeat(round)}c`);
      assert.deepEqual(
        lines.slice(-2).map(({ type }) => type),
        ["result", "exit"],
      );
    }
  });
});
