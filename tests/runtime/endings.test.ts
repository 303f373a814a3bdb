import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CAUSES, type Cause, type ExitEvent } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  callContext,
  finished,
  type Ran,
  run,
  sandboxPidsNamed,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";
import { assertEnded as assertExecEnded } from "./assert-ended.ts";

const proven = new Set<Cause>();

describe("why an exec ended", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python", memoryMb: 96, diskMb: 16, maxOutputBytes: 100_000 });
  });
  after(() => host.close());

  function assertEnded(ran: Ran, expected: Partial<ExitEvent>): void {
    assertExecEnded(host.events, ran, expected);
    proven.add(ran.exit.cause);
  }

  test("exited: it left by itself, whatever its code", async () => {
    assertEnded(await run(sandbox, { command: "exit 0" }), {
      cause: "exited",
      code: 0,
      signal: undefined,
      reason: "^$",
    });
    assertEnded(await run(sandbox, { command: "exit 255" }), { cause: "exited", code: 255 });
    assertEnded(await run(sandbox, { code: "raise SystemExit(7)" }), {
      cause: "exited",
      code: 7,
      contextLost: undefined,
    });
  });

  for (const [signal, code] of [
    ["SIGKILL", 137],
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGSEGV", 139],
    ["SIGUSR2", 140],
  ] as const) {
    test(`killed: ${signal} from inside`, async () => {
      assertEnded(await run(sandbox, { command: `kill -${signal.slice(3)} $$` }), {
        cause: "killed",
        code,
        signal,
      });
    });

    test(`killed: ${signal} through the API`, async () => {
      const exec = await sandbox.exec({ argv: ["sleep", "1000"] }, callContext());
      await until("it sleeps", () => sandboxPidsNamed(sandbox.id, "sleep").length === 1);
      await exec.kill(signal, callContext());
      assertEnded(await finished(exec), { cause: "killed", code, signal });
    });
  }

  test("a signal that the process handles is no end", async () => {
    const exec = await sandbox.exec(
      { command: "trap 'echo caught; exit 5' TERM; touch /tmp/ready; while :; do sleep 0.01; done" },
      callContext(),
    );
    await until("it listens", async () => (await run(sandbox, { command: "ls /tmp/ready" })).exit.code === 0);
    await exec.kill("SIGTERM", callContext());
    const ran = await finished(exec);
    assertEnded(ran, { cause: "exited", code: 5 });
    assert.equal(ran.stdout, "caught\n");
  });

  test("killed: what it had started dies with it", async () => {
    const exec = await sandbox.exec({ command: "sleep 777 & setsid sleep 778 & sleep 779" }, callContext());
    await until("all sleep", () => sandboxPidsNamed(sandbox.id, "sleep").length === 3);
    await exec.kill("SIGKILL", callContext());
    assertEnded(await finished(exec), { cause: "killed", code: 137 });
    await until("none sleeps", () => sandboxPidsNamed(sandbox.id, "sleep").length === 0);
  });

  test("killed: at once, before it could begin, ends all the same", async () => {
    const execs = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const exec = await sandbox.exec({ argv: ["sleep", "1000"] }, callContext());
        await exec.kill("SIGKILL", callContext());
        return exec;
      }),
    );
    for (const exec of execs) {
      assertEnded(await finished(exec), { cause: "killed", code: 137, signal: "SIGKILL" });
    }
    assert.equal((await run(sandbox, { command: "echo next" })).stdout, "next\n");
  });

  test("killed: a signal that comes before its process is what ends the process", async () => {
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
      ["SIGUSR1", 138],
    ] as const) {
      const exec = await sandbox.exec({ argv: ["sleep", "1000"] }, callContext());
      await exec.kill(signal, callContext());
      assertEnded(await finished(exec), { cause: "killed", code, signal });
    }
  });

  test("killed: a cell, and its context with it", async () => {
    await run(sandbox, { code: "x = 1" });
    const exec = await sandbox.exec(
      { code: "import time; print('in', flush=True); time.sleep(1000)" },
      callContext(),
    );
    await until("it runs", () => exec.info().stdoutBytes > 0);
    await exec.kill("SIGKILL", callContext());
    assertEnded(await finished(exec), {
      cause: "killed",
      code: 137,
      contextLost: true,
      reason: 'variables of context "default" are gone',
    });
  });

  test("interrupted: a cell, and its context stays", async () => {
    await run(sandbox, { code: "y = 2" });
    const exec = await sandbox.exec(
      { code: "import time; print('in', flush=True); time.sleep(1000)" },
      callContext(),
    );
    await until("it runs", () => exec.info().stdoutBytes > 0);
    await exec.kill("SIGINT", callContext());
    const ran = await finished(exec);
    assert.equal(ran.exit.code, 130);
    assert.match(ran.stderr, /KeyboardInterrupt/);
    assert.equal((await run(sandbox, { code: "y" })).result, "2");
  });

  test("cancelled: a cell that waited for its turn", async () => {
    const first = await sandbox.exec(
      { code: "import time; print('in', flush=True); time.sleep(1000)", contextId: "queue" },
      callContext(),
    );
    const second = await sandbox.exec({ code: "print('never')", contextId: "queue" }, callContext());
    const third = await sandbox.exec({ code: "print('then')", contextId: "queue" }, callContext());
    assert.equal(second.info().state, "queued");
    await second.kill("SIGTERM", callContext());
    const ran = await finished(second);
    assertEnded(ran, { cause: "cancelled", code: 137 });
    assert.equal(ran.stdout, "");
    await until("the first runs", () => first.info().stdoutBytes > 0);
    await first.kill("SIGINT", callContext());
    assert.equal((await finished(third)).stdout, "then\n");
  });

  test("timed_out: a command", async () => {
    const ran = await run(sandbox, { command: "echo before; sleep 1000", timeoutMs: 150 });
    assertEnded(ran, {
      cause: "timed_out",
      code: 137,
      signal: "SIGKILL",
      reason: "^timeoutMs \\(150\\) passed$",
    });
    assert.equal(ran.stdout, "before\n");
    assert.deepEqual(host.events.ofType("exec.timed_out").at(-1)?.data, {
      execId: ran.exec.id,
      timeoutMs: 150,
    });
  });

  test("timed_out: a cell that lets go keeps its context", async () => {
    await run(sandbox, { code: "kept = 'here'" });
    assertEnded(await run(sandbox, { code: "while True: pass", timeoutMs: 150 }), {
      cause: "timed_out",
      code: 130,
      signal: "SIGINT",
      contextLost: undefined,
    });
    assert.equal((await run(sandbox, { code: "kept" })).result, "'here'");
  });

  test("timed_out: a cell that does not let go loses its context, and both cells say so", async () => {
    await run(sandbox, { code: "gone = 1", contextId: "stubborn" });
    const code = "import time\nwhile True:\n  try: time.sleep(1000)\n  except KeyboardInterrupt: pass";
    assertEnded(await run(sandbox, { code, contextId: "stubborn", timeoutMs: 150 }), {
      cause: "timed_out",
      code: 137,
      contextLost: true,
      reason: 'timeoutMs \\(150\\) passed; .*variables of context "stubborn" are gone',
    });
    const next = await run(sandbox, { code: "'gone' in globals()", contextId: "stubborn" });
    assert.equal(next.result, "False");
    assert.match(next.stderr, /context "stubborn" starts anew, without its variables/);
  });

  test("timed_out: the time a cell waits for its turn does not count", async () => {
    const slow = await sandbox.exec(
      { code: "import time; time.sleep(0.4)", contextId: "turn" },
      callContext(),
    );
    const quick = await run(sandbox, { code: "'in time'", contextId: "turn", timeoutMs: 300 });
    assert.deepEqual([quick.exit.cause, quick.result], ["exited", "'in time'"]);
    assert.equal((await slow.completed).cause, "exited");
  });

  test("oom_killed: a command, with the limit in words", async () => {
    const ran = await run(sandbox, { argv: ["python3", "-c", "x = bytearray(400 << 20)"] });
    assertEnded(ran, { cause: "oom_killed", code: 137, signal: "SIGKILL", reason: "memory limit of 96 MiB" });
    assertEnded(await run(sandbox, { command: "echo lives" }), { cause: "exited", code: 0 });
  });

  test("oom_killed: a cell, and its context with it", async () => {
    assertEnded(await run(sandbox, { code: "x = bytearray(400 << 20)", contextId: "greedy" }), {
      cause: "oom_killed",
      code: 137,
      contextLost: true,
      reason: "memory limit of 96 MiB was reached; .*are gone",
    });
    assert.equal((await run(sandbox, { code: "1 + 1", contextId: "greedy" })).result, "2");
  });

  test("oom_killed: where a child was killed and the command failed for it; exited where it coped", async () => {
    const greedy = 'python3 -c "x = bytearray(400 << 20)"';
    assertEnded(await run(sandbox, { command: `set -e; ${greedy}; echo not reached` }), {
      cause: "oom_killed",
      code: 137,
    });
    assertEnded(await run(sandbox, { command: `${greedy} || echo coped` }), { cause: "exited", code: 0 });
  });

  test("disk_full: with the size in words; and once there is room, not any more", async () => {
    assertEnded(await run(sandbox, { argv: ["dd", "if=/dev/zero", "of=/workspace/fill", "bs=64k"] }), {
      cause: "disk_full",
      code: 1,
      reason: "disk of 16 MiB is full",
    });
    assertEnded(await run(sandbox, { code: "open('/workspace/more', 'wb').write(b'x' * 1_000_000)" }), {
      cause: "disk_full",
      code: 1,
      contextLost: undefined,
    });
    assertEnded(
      await run(sandbox, {
        code: "require('fs').writeFileSync('/workspace/more', Buffer.alloc(1e6, 1))",
        language: "javascript",
      }),
      { cause: "disk_full", code: 1 },
    );
    // What meant to say so may have gone to stdout.
    assertEnded(await run(sandbox, { command: "head -c 1M /dev/zero 2>&1 > /workspace/more" }), {
      cause: "disk_full",
      code: 1,
    });
    assertEnded(await run(sandbox, { command: "true" }), { cause: "exited", code: 0 });
    await run(sandbox, { command: "rm -f /workspace/fill /workspace/more" });
    assertEnded(await run(sandbox, { command: "false" }), { cause: "exited", code: 1 });
  });

  test("a full disk is the cause of what met it alone; of other failures it is said that it was full", async () => {
    await run(sandbox, { command: "cat /dev/zero > /workspace/fill" });
    const reason = "^the disk of 16 MiB was full when it ended$";
    assertEnded(await run(sandbox, { command: "exit 3" }), { cause: "exited", code: 3, reason });
    assertEnded(await run(sandbox, { command: "grep nothing /etc/passwd" }), {
      cause: "exited",
      code: 1,
      reason,
    });
    assertEnded(await run(sandbox, { code: "1/0" }), { cause: "exited", code: 1, reason });
    assertEnded(await run(sandbox, { code: "false", language: "bash" }), {
      cause: "exited",
      code: 1,
      reason,
    });
    assertEnded(await run(sandbox, { command: "rm /workspace/fill; exit 3" }), {
      cause: "exited",
      code: 3,
      reason: "^$",
    });
  });

  test("output_limit: a command, cut at the byte", async () => {
    const ran = await run(sandbox, { command: "yes" });
    assertEnded(ran, { cause: "output_limit", code: 137, reason: "maxOutputBytes \\(100000\\)" });
    assert.equal(ran.info.stdoutBytes, 100_000);
    assert.equal(ran.stdout.length, 100_000);
  });

  test("output_limit: a cell; both streams count together", async () => {
    const ran = await run(sandbox, {
      code: "import os\nwhile True: os.write(1, b'o' * 1000); os.write(2, b'e' * 1000)",
      contextId: "loud",
    });
    assertEnded(ran, { cause: "output_limit", contextLost: true });
    assert.equal(ran.info.stdoutBytes + ran.info.stderrBytes, 100_000);
  });

  test("output of exactly the limit is within it", async () => {
    assertEnded(await run(sandbox, { command: "head -c 100000 /dev/zero" }), { cause: "exited", code: 0 });
  });

  test("every cause that an exec of a living sandbox can have is proven above", () => {
    const elsewhere: Cause[] = [
      ...(["idle_timeout", "lifetime_exceeded", "merged", "user"] as const), // a sandbox's own
      ...(["sandbox_ended", "host_shutdown"] as const), // sandbox-endings.test.ts
      ...(["host_crash", "driver_error"] as const), // crash.test.ts
    ];
    assert.deepEqual(new Set(CAUSES), new Set([...proven, ...elsewhere]));
  });
});
