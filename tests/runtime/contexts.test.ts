import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecRequest, Language } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  callContext,
  finished,
  run,
  sandboxPidsNamed,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

/** The same in three languages. */
const PHRASES: Record<
  Language,
  { set: string; get: string; die: string; mark(name: string): string; name: string }
> = {
  python: {
    set: "x = 41",
    get: "print(x + 1)",
    die: "import os; os._exit(9)",
    mark: (name) => `print("${name}")`,
    name: "python3",
  },
  javascript: {
    set: "let x = 41",
    get: "console.log(x + 1)",
    die: 'process.kill(process.pid, "SIGKILL")',
    mark: (name) => `console.log("${name}")`,
    name: "node",
  },
  bash: { set: "x=41", get: "echo $((x + 1))", die: "exit 9", mark: (name) => `echo ${name}`, name: "bash" },
};

describe("contexts", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python", memoryMb: 1024, env: { GIVEN: "sandbox" } });
  });
  after(() => host.close());

  for (const [language, { set, get, die, mark, name }] of Object.entries(PHRASES) as [
    Language,
    (typeof PHRASES)["bash"],
  ][]) {
    const cell = (code: string, more: Partial<ExecRequest> = {}) => run(sandbox, { code, language, ...more });

    test(`${language}: state lasts from cell to cell, each context its own`, async () => {
      await cell(set);
      assert.equal((await cell(get)).stdout, "42\n");
      const other = await cell(get, { contextId: "other" });
      assert.notEqual(other.stdout, "42\n");
      assert.equal((await cell(get)).stdout, "42\n");
    });

    test(`${language}: cells of one context run one after the other, in the order in which they came`, async () => {
      const names = Array.from({ length: 12 }, (_, at) => `cell${at}`);
      const execs = [];
      for (const label of names)
        execs.push(await sandbox.exec({ code: mark(label), language }, callContext()));
      const ran = await Promise.all(execs.map(finished));
      assert.deepEqual(
        ran.map(({ stdout }) => stdout.trim()),
        names,
      );
      const completed = host.events.all
        .filter((event) => event.type === "exec.completed")
        .map((event) => event.data.execId);
      const order = execs.map(({ id }) => completed.indexOf(id));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    });

    test(`${language}: an interpreter that goes takes its variables along; that cell and the next say so`, async () => {
      const contextId = "mortal";
      await cell(set, { contextId });
      const { exit } = await cell(die, { contextId });
      assert.equal(exit.contextLost, true);
      assert.match(exit.reason ?? "", /variables of context "mortal" are gone/);
      const next = await cell(mark("anew"), { contextId });
      assert.equal(next.exit.code, 0);
      assert.equal(next.stdout, "anew\n");
      assert.match(
        next.stderr,
        /^sandglass: context "mortal" starts anew, without its variables: .*interpreter.*\n/,
      );
      assert.equal((await cell(mark("again"), { contextId })).stderr, "");
      assert.notEqual((await cell(get, { contextId })).stdout, "42\n");
    });

    test(`${language}: one killed between calls is told of at the next`, async () => {
      const own = await host.create({ template: "bash" });
      await run(own, { code: set, language });
      await run(own, { command: `pkill -KILL -x ${name === "node" ? "node" : name} ; true` });
      await until("it is gone", () => sandboxPidsNamed(own.id, name).length === 0);
      await run(own, { argv: ["true"] }); // what the agent says of this one comes behind what it says of the other
      const next = await run(own, { code: mark("anew"), language });
      assert.match(next.stderr, /starts anew.*between calls/);
      assert.equal(next.stdout, "anew\n");
      await own.terminate("user", callContext());
    });

    test(`${language}: syntax that is none is this cell's error alone`, async () => {
      await cell(set.replace("let ", ""));
      const bad = await cell("if then (((");
      assert.notEqual(bad.exit.code, 0);
      assert.match(bad.stderr, /syntax|unexpected/i);
      assert.equal(bad.exit.contextLost, undefined);
      assert.equal((await cell(get)).stdout, "42\n");
    });

    test(`${language}: nothing at all runs well`, async () => {
      const { exit, stdout, stderr, result } = await cell("");
      assert.deepEqual([exit.code, stdout, stderr, result], [0, "", "", undefined]);
    });

    test(`${language}: a cell of some megabytes arrives whole`, async () => {
      const filler = "y".repeat(3_000_000);
      const code = {
        python: `s = "${filler}"\nprint(len(s))`,
        javascript: `console.log("${filler}".length)`,
        bash: `s="${filler}"; echo \${#s}`,
      }[language];
      assert.equal((await cell(code)).stdout, "3000000\n");
    });

    test(`${language}: starts in /workspace, with the environment of template and sandbox, and of the cell`, async () => {
      const code = {
        python:
          'import os; print(os.getcwd(), os.environ["GIVEN"], os.environ["OF_CELL"], os.environ["HOME"])',
        javascript: "console.log(process.cwd(), process.env.GIVEN, process.env.OF_CELL, process.env.HOME)",
        bash: "echo $PWD $GIVEN $OF_CELL $HOME",
      }[language];
      const env = { OF_CELL: "a b" };
      assert.equal((await cell(code, { env, contextId: "env" })).stdout, "/workspace sandbox a b /root\n");
    });

    test(`${language}: has nothing to read on stdin, and does not wait for it`, async () => {
      const code = {
        python: "import sys; print(repr(sys.stdin.read()))",
        javascript: 'console.log(JSON.stringify(require("fs").readFileSync(0, "utf8")))',
        bash: "cat; echo end",
      }[language];
      assert.equal(
        (await cell(code)).stdout,
        { python: "''\n", javascript: '""\n', bash: "end\n" }[language],
      );
    });

    test(`${language}: what the cell writes to our own descriptors hurts that cell alone`, async () => {
      const lie = '{"id":"exec_00000000000000000000000000","exitCode":0,"result":null}';
      const code = {
        python: `import os\nos.write(4, b'${lie}\\n{"broken\\n')\nprint("after")`,
        javascript: `require("fs").writeSync(4, '${lie}\\n{"broken\\n'); console.log("after")`,
        bash: `echo '${lie}' >&4; echo '{"broken' >&4; echo after`,
      }[language];
      const contextId = "liar";
      const { stdout } = await cell(code, { contextId, timeoutMs: 5000 });
      assert.equal(stdout, "after\n");
      assert.equal((await cell(mark("honest"), { contextId })).stdout, "honest\n");
    });
  }

  test("contexts run at the same time", async () => {
    const meet = (mine: string, other: string): string =>
      `import os, time\nopen("/tmp/${mine}", "w").close()\nwhile not os.path.exists("/tmp/${other}"): time.sleep(0.01)\nprint("met")`;
    const [a, b] = await Promise.all([
      run(sandbox, { code: meet("a", "b"), contextId: "a", timeoutMs: 10_000 }),
      run(sandbox, { code: meet("b", "a"), contextId: "b", timeoutMs: 10_000 }),
    ]);
    assert.deepEqual([a.stdout, b.stdout], ["met\n", "met\n"]);
  });

  test("a context of a name is one in each language", async () => {
    await run(sandbox, { code: "shared = 'python'", contextId: "same" });
    const { stderr } = await run(sandbox, { code: "shared", contextId: "same", language: "javascript" });
    assert.match(stderr, /shared is not defined/);
    assert.equal((await run(sandbox, { code: "shared", contextId: "same" })).result, "'python'");
  });

  test("code that ends every process it can reach is survived, by the sandbox and by the next exec", async () => {
    const own = await host.create({ template: "python" });
    await run(own, { code: "x = 1" });
    for (let round = 0; round < 3; round++) {
      const { stdout } = await run(own, { command: "kill -9 -1; echo I remain" });
      assert.equal(stdout, "I remain\n");
      const next = await run(own, { command: "echo next", timeoutMs: 10_000 });
      assert.ok(next.exit.cause === "exited" || next.exit.cause === "killed", next.exit.cause);
    }
    const cell = await run(own, { code: "'x' in globals()", timeoutMs: 10_000 });
    assert.equal(cell.result, "False");
    assert.match(cell.stderr, /starts anew/);
    await own.terminate("user", callContext());
  });

  test("a cell's own environment is gone with it, and what it covered is back", async () => {
    const show = {
      python: "import os; print([os.environ.get(name) for name in ('MINE', 'SHARED', 'HOME')])",
      javascript:
        "console.log(JSON.stringify(['MINE', 'SHARED', 'HOME'].map((name) => process.env[name] ?? null)))",
      bash: 'echo "[$MINE $SHARED $HOME]"',
    } as const;
    const seen = {
      python: ["['m', 'cell', '/tmp']\n", "[None, 'all', '/root']\n"],
      javascript: ['["m","cell","/tmp"]\n', '[null,"all","/root"]\n'],
      bash: ["[m cell /tmp]\n", "[ all /root]\n"],
    } as const;
    const own = await host.create({ env: { SHARED: "all" } });
    for (const language of ["python", "javascript", "bash"] as const) {
      const code = show[language];
      const first = await run(own, { code, language, env: { MINE: "m", SHARED: "cell", HOME: "/tmp" } });
      const second = await run(own, { code, language });
      assert.deepEqual([first.stdout, second.stdout], seen[language], language);
    }
  });
});
