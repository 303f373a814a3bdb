import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { run, startRuntime, type TestRuntime } from "@sandglass/testkit";

describe("a bash cell", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create();
  });
  after(() => host.close());

  const cells: [why: string, code: string, expected: { code?: number; stdout?: string; stderr?: RegExp }][] =
    [
      ["is the language of the bash template", "echo $BASH_VERSION | cut -c1", { stdout: "5\n" }],
      [
        "variables, functions, options and the directory last",
        "v='a b'; greet() { echo \"hello $1\"; }; shopt -s nullglob; cd /usr",
        {},
      ],
      [
        "and are there in the next cell",
        'greet "$v"; pwd; shopt -q nullglob && echo set',
        { stdout: "hello a b\n/usr\nset\n" },
      ],
      ["its code is the last command's", "true; false", { code: 1 }],
      ["$? of the last cell is not carried over", "echo $?", { stdout: "0\n" }],
      ["several lines, a here-document", "cat <<END\none $v\nEND", { stdout: "one a b\n" }],
      ["a pipeline and a subshell that exits", "(exit 7); echo $?; echo x | tr x y", { stdout: "7\ny\n" }],
      [
        "a program that is not there",
        "nosuchprogram",
        { code: 127, stderr: /nosuchprogram: command not found/ },
      ],
      ["what it prints without a line's end", "printf abc", { stdout: "abc" }],
      ["a background process does not hold it up", "sleep 1000 & echo started", { stdout: "started\n" }],
    ];
  for (const [why, code, expected] of cells) {
    test(why, async () => {
      const { exit, stdout, stderr } = await run(sandbox, { code, timeoutMs: 20_000 });
      assert.equal(exit.code, expected.code ?? 0, stderr);
      assert.equal(exit.contextLost, undefined, exit.reason);
      assert.equal(stdout, expected.stdout ?? "");
      assert.match(stderr, expected.stderr ?? /^$/);
    });
  }

  test("exit ends the shell: the code is its own, the loss is said", async () => {
    const { exit } = await run(sandbox, { code: "exit 3", contextId: "exits" });
    assert.deepEqual([exit.cause, exit.code, exit.contextLost], ["exited", 3, true]);
  });

  test("a timeout ends what the cell waits for, and the context stays", async () => {
    await run(sandbox, { code: "kept=1" });
    const { exit } = await run(sandbox, { code: "sleep 1000", timeoutMs: 150 });
    assert.deepEqual([exit.cause, exit.contextLost], ["timed_out", undefined]);
    assert.equal((await run(sandbox, { code: "echo $kept" })).stdout, "1\n");
  });

  test("code with a NUL is refused: no shell could read it", async () => {
    await assert.rejects(run(sandbox, { code: "echo \0" }), { code: "INVALID_REQUEST" });
  });
});
