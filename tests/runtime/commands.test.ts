import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ExecRequest } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  callContext,
  finished,
  noTraces,
  parseLines,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

async function* nothing(): AsyncGenerator<Uint8Array> {}

describe("a command", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime({
      templates: { bash: { env: { A: "template", B: "template", C: "template" } } },
    });
    sandbox = await host.create({ env: { B: "sandbox", C: "sandbox" } });
  });
  after(() => host.close());

  const ends: [
    why: string,
    request: ExecRequest,
    expected: { code: number; stdout?: string; stderr?: RegExp },
  ][] = [
    ["a shell line", { command: "echo $((6*7)) | tr 4 5" }, { code: 0, stdout: "52\n" }],
    ["a shell line that fails", { command: "false || exit 9" }, { code: 9 }],
    [
      "an argument vector, without a shell",
      { argv: ["printf", "%s|", "$HOME", "a b", "", "*", "'"] },
      { code: 0, stdout: "$HOME|a b||*|'|" },
    ],
    [
      "a program that is not there",
      { argv: ["nosuchprogram"] },
      { code: 127, stderr: /nosuchprogram: command not found/ },
    ],
    ["a path that is not there", { argv: ["./nosuchprogram"] }, { code: 127, stderr: /command not found/ }],
    ["a shell's program that is not there", { command: "nosuchprogram" }, { code: 127, stderr: /not found/ }],
    ["a file that cannot be executed", { argv: ["/etc/passwd"] }, { code: 126, stderr: /permission denied/ }],
    ["a directory", { argv: ["/etc"] }, { code: 126, stderr: /permission denied/ }],
    [
      "a script without a first line",
      { command: "printf 'echo ran' > s && chmod +x s && exec ./s" },
      { code: 0, stdout: "ran\n" },
    ],
    [
      "a working directory of its own",
      { argv: ["pwd"], cwd: "/usr/share" },
      { code: 0, stdout: "/usr/share\n" },
    ],
    [
      "a relative one, from /workspace",
      { command: "mkdir -p sub && cd sub && pwd" },
      { code: 0, stdout: "/workspace/sub\n" },
    ],
    ["none given", { argv: ["pwd"] }, { code: 0, stdout: "/workspace\n" }],
    [
      "a working directory that is not there",
      { argv: ["pwd"], cwd: "/nowhere" },
      { code: 127, stderr: /\/nowhere: cannot enter/ },
    ],
    [
      "a working directory that is a file",
      { argv: ["pwd"], cwd: "/etc/passwd" },
      { code: 126, stderr: /\/etc\/passwd: cannot enter/ },
    ],
    ["text on stdin", { argv: ["wc", "-c"], stdin: "five\u00e9" }, { code: 0, stdout: "6\n" }],
    ["empty stdin", { argv: ["wc", "-c"], stdin: "" }, { code: 0, stdout: "0\n" }],
    ["no stdin: nothing to read, no waiting", { argv: ["cat"] }, { code: 0, stdout: "" }],
    ["stdin that nobody reads", { argv: ["true"], stdin: "x".repeat(3_000_000) }, { code: 0 }],
    ["code of a signal from inside", { command: "kill -USR1 $$" }, { code: 128 + 10 }],
    ["core dumps are not made", { command: "ulimit -c" }, { code: 0, stdout: "0\n" }],
  ];
  for (const [why, request, expected] of ends) {
    test(`${why}: ends with ${expected.code}`, async () => {
      const { exit, stdout, stderr, info } = await run(sandbox, request);
      assert.equal(exit.code, expected.code, stderr);
      assert.equal(exit.data, exit.code);
      assert.equal(info.exitCode, exit.code);
      if (expected.stdout !== undefined) assert.equal(stdout, expected.stdout);
      if (expected.stderr !== undefined) assert.match(stderr, expected.stderr);
      else assert.equal(stderr, "");
    });
  }

  test("much on stdin arrives as it was", async () => {
    const stdin = Array.from({ length: 400_000 }, (_, line) => `line ${line}\n`).join("");
    const { stdout } = await run(sandbox, { command: "tee >(wc -c >&2) | tail -n 1", stdin });
    assert.equal(stdout, "line 399999\n");
    const { stderr } = await run(sandbox, { command: "wc -c >&2", stdin });
    assert.equal(stderr, `${stdin.length}\n`);
  });

  test("its environment is the request's over the sandbox's over the template's", async () => {
    const { stdout } = await run(sandbox, { command: "echo $A $B $C $D", env: { C: "request", D: "a\nb" } });
    assert.equal(stdout, "template sandbox request a b\n");
    assert.equal((await run(sandbox, { command: "echo $C$D" })).stdout, "sandbox\n");
  });

  test("its environment holds nothing that it was not given", async () => {
    process.env.SANDGLASS_TEST_CANARY = "of the host";
    const { stdout } = await run(sandbox, { argv: ["env", "-0"] });
    delete process.env.SANDGLASS_TEST_CANARY;
    const names = stdout.split("\0").map((pair) => pair.split("=")[0]);
    assert.deepEqual(
      new Set(names),
      new Set(["", "PATH", "HOME", "USER", "LANG", "TERM", "PYTHONUNBUFFERED", "A", "B", "C", "TRACEPARENT"]),
    );
  });

  test("what it writes is there as it is written, each stream by its name", async () => {
    // It goes on only when the reader has seen the line before.
    const wait = "until [ -e /tmp/seen$n ]; do sleep 0.01; done; n=$((n+1))";
    const exec = await sandbox.exec(
      { command: `n=0; for i in 1 2; do echo out$i; ${wait}; echo err$i >&2; ${wait}; done` },
      callContext(),
    );
    const seen: string[] = [];
    for await (const block of exec.lines({ isOwner: true })) {
      for (const line of parseLines(block)) {
        if (line.type !== "stdout" && line.type !== "stderr") continue;
        await sandbox.files.write(`/tmp/seen${seen.length}`, nothing(), callContext());
        seen.push(`${line.type} ${line.data}`);
      }
    }
    assert.deepEqual(seen, ["stdout out1\n", "stderr err1\n", "stdout out2\n", "stderr err2\n"]);
  });

  test("commands run at the same time", async () => {
    // Each waits for a file that only the other makes.
    const [a, b] = await Promise.all(
      [
        ["one", "two"],
        ["two", "one"],
      ].map(([mine, other]) =>
        run(sandbox, {
          command: `touch /tmp/${mine}; until [ -e /tmp/${other} ]; do sleep 0.01; done; echo met`,
          timeoutMs: 10_000,
        }),
      ),
    );
    assert.deepEqual([a?.stdout, b?.stdout], ["met\n", "met\n"]);
  });

  test("as many run as the limit says; one more is refused, and runs when there is room", async () => {
    const crowded = await host.create();
    const { maxConcurrentExecs } = crowded.info().limits;
    const running = await Promise.all(
      Array.from({ length: maxConcurrentExecs }, () =>
        crowded.exec({ command: "sleep 1000" }, callContext()),
      ),
    );
    await assert.rejects(crowded.exec({ command: "true" }, callContext()), {
      code: "EXEC_LIMIT_REACHED",
      message: new RegExp(`^${maxConcurrentExecs} execs`),
    });
    assert.equal(
      host.events.ofType("exec.started", crowded.id).length,
      maxConcurrentExecs,
      "the refused one was recorded",
    );
    await running[0]?.kill("SIGKILL", callContext());
    await running[0]?.completed;
    assert.equal((await run(crowded, { command: "echo room" })).stdout, "room\n");
    await crowded.terminate("user", callContext());
  });

  test("what it leaves running does not hold up its end, and dies with the sandbox", async () => {
    const own = await host.create();
    const { exit, stdout } = await run(own, {
      command: "setsid sh -c 'while :; do echo still here; sleep 0.01; done' & echo started",
      timeoutMs: 10_000,
    });
    assert.equal(exit.cause, "exited");
    assert.match(stdout, /started\n/);
    const count = async (): Promise<string> =>
      (await run(own, { command: "grep -lsx sleep /proc/[0-9]*/comm | wc -l" })).stdout;
    await until("it still runs", async () => (await count()) !== "0\n");
    await own.terminate("user", callContext());
    await noTraces(host.dataDir, own.id);
  });

  test("is known while it runs and when it has ended", async () => {
    const exec = await sandbox.exec({ argv: ["sleep", "1000"] }, callContext());
    await until("it runs", () => exec.info().state === "running");
    assert.deepEqual(sandbox.getExec(exec.id).info(), exec.info());
    assert.equal(exec.info().command, "sleep 1000");
    await exec.kill("SIGTERM", callContext());
    const { exit } = await finished(exec);
    assert.deepEqual([exit.code, exit.signal, exit.cause], [143, "SIGTERM", "killed"]);
    const info = sandbox.execs().find(({ id }) => id === exec.id);
    assert.equal(info?.state, "completed");
    await assert.rejects(exec.kill("SIGTERM", callContext()), { code: "EXEC_ENDED" });
    assert.throws(() => sandbox.getExec("exec_00000000000000000000000000"), { code: "EXEC_NOT_FOUND" });
  });

  test("an unknown signal is refused", async () => {
    const exec = await sandbox.exec({ argv: ["sleep", "1000"] }, callContext());
    await assert.rejects(exec.kill("SIGNOTHING", callContext()), { code: "INVALID_REQUEST" });
    await exec.kill("SIGKILL", callContext());
    await exec.completed;
  });

  test("says what it used", async () => {
    const { info } = await run(sandbox, {
      argv: ["python3", "-c", "x = bytearray(40 << 20)\nfor i in range(2000000): pass"],
    });
    assert.ok((info.cpuMs ?? 0) > 10, `${info.cpuMs} ms of cpu`);
    assert.ok((info.maxRssBytes ?? 0) > 40 << 20, `${info.maxRssBytes} bytes`);
    assert.ok((info.durationMs ?? 0) > 10);
  });

  test("arguments that no kernel takes are the exec's failure, not the sandbox's", async () => {
    const { exit, stderr } = await run(sandbox, { argv: ["echo", "x".repeat(1_100_000)] });
    assert.equal(exit.code, 126);
    assert.match(stderr, /sandglass: echo: /);
    assert.equal((await run(sandbox, { command: "echo fine" })).stdout, "fine\n");
  });

  test("where no process can be made any more, that is its failure, said in words", async () => {
    const crowded = await host.create({ maxPids: 20 });
    const bomb = await crowded.exec(
      {
        argv: [
          "python3",
          "-c",
          "import os, time\nwhile True:\n  try:\n    if os.fork() == 0: time.sleep(1000)\n  except OSError: print('full', flush=True); time.sleep(1000)",
        ],
      },
      callContext(),
    );
    await until("it is full", () => bomb.info().stdoutBytes > 0);
    for (const request of [{ command: "echo x" }, { code: "echo x", language: "bash" }] as const) {
      // A process that was got ready before may still be there for the first.
      await run(crowded, request);
      const { exit, stderr, exec } = await run(crowded, request);
      assert.notEqual(exit.code, 0);
      assert.equal(exit.cause, "exited", exit.reason);
      assert.match(stderr, /^sandglass: .*process/);
      const types = host.events.ofExec(exec.id).map(({ type }) => type);
      assert.deepEqual(types, ["exec.started", "exec.completed"]);
    }
    await bomb.kill("SIGKILL", callContext());
    await bomb.completed;
    assert.equal((await run(crowded, { command: "echo room" })).stdout, "room\n");
    await crowded.terminate("user", callContext());
  });
});
