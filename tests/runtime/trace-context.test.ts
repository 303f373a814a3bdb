import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { CallContext, ExecRequest, Language } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, type Ran, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const NAMES = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];
const SHELL = `printf '%s|%s|%s' "$TRACEPARENT" "$TRACESTATE" "$BAGGAGE"`;

/** What a process, and a process that it starts, find in their environments: the same line twice. */
const LOOK: Record<Language | "command", ExecRequest> = {
  command: { command: `${SHELL}; echo; exec sh -c '${SHELL.replaceAll("'", `'"'"'`)}'` },
  bash: { language: "bash", code: `${SHELL}; echo; sh -c '${SHELL.replaceAll("'", `'"'"'`)}'` },
  python: {
    language: "python",
    code: `import os, subprocess, sys
look = "import os; print('|'.join(os.environ.get(n, '') for n in ${JSON.stringify(NAMES).replaceAll('"', "'")}), end='')"
exec(look)
print(flush=True)
print(subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout, end="")`,
  },
  javascript: {
    language: "javascript",
    code: `var look = "process.stdout.write(['TRACEPARENT', 'TRACESTATE', 'BAGGAGE'].map((n) => process.env[n] ?? '').join('|'))";
eval(look); console.log();
console.log(require("node:child_process").execFileSync(process.execPath, ["-e", look]).toString())`,
  },
};
const KINDS = Object.keys(LOOK) as (keyof typeof LOOK)[];

function expected({ info }: Ran, { traceId, tracestate, baggage }: CallContext): string[] {
  const line = `00-${traceId}-${info.spanId}-01|${tracestate}|${baggage}`;
  return [line, line];
}

const seen = ({ stdout }: Ran): string[] => stdout.trimEnd().split("\n");

describe("the trace of whoever calls", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({
      templates: { python: { poolSize: 1, warm: ["python", "javascript", "bash"], memoryMb: 512 } },
      defaults: { idleTimeoutMs: 0 },
    });
    await host.runtime.ready();
  });
  after(() => host.close());

  const callers = (): CallContext[] => [
    callContext({ tracestate: "vendor=1", baggage: "user=alice" }),
    callContext({ baggage: "user=bob" }),
    callContext(),
  ];

  async function look(sandbox: SandboxHandle, kind: keyof typeof LOOK, caller: CallContext): Promise<void> {
    const ran = await run(sandbox, LOOK[kind], caller);
    assert.equal(ran.exit.code, 0, ran.stderr);
    assert.deepEqual(seen(ran), expected(ran, caller), kind);
  }

  test("reaches commands, every cell and what they start, in a sandbox whose interpreters were there before its owner", async () => {
    const sandbox = await host.create({ template: "python" });
    assert.equal(sandbox.info().source, "pool");
    for (const kind of KINDS) for (const caller of callers()) await look(sandbox, kind, caller);
    await sandbox.terminate("user", callContext());
  });

  test("reaches them after a pause, which the process lived through", async () => {
    const sandbox = await host.create({ template: "python" });
    for (const kind of KINDS) await look(sandbox, kind, callContext({ baggage: "before=1" }));
    await sandbox.pause(callContext());
    await sandbox.resume(callContext());
    for (const kind of KINDS) await look(sandbox, kind, callContext());
    await sandbox.terminate("user", callContext());
  });

  test("does not mix between execs that run at the same time", async () => {
    const sandbox = await host.create({ template: "python" });
    // Each looks only when the other is there.
    const meet = (own: string, other: string): string =>
      `touch /tmp/${own}; until [ -e /tmp/${other} ]; do sleep 0.01; done`;
    const both = (["one", "two"] as const).map(async (own) => {
      const caller = callContext({ baggage: `who=${own}` });
      const command = `${meet(own, own === "one" ? "two" : "one")}; ${LOOK.command.command}`;
      const ran = await run(sandbox, { command }, caller);
      assert.deepEqual(seen(ran), expected(ran, caller));
    });
    const contexts = (["three", "four"] as const).map(async (own) => {
      const caller = callContext({ tracestate: `who=${own}` });
      const wait = `import os, time\nopen("/tmp/${own}", "w").close()\nwhile not os.path.exists("/tmp/${own === "three" ? "four" : "three"}"): time.sleep(0.01)\n`;
      const ran = await run(sandbox, { code: wait + LOOK.python.code, contextId: own }, caller);
      assert.deepEqual(seen(ran), expected(ran, caller));
    });
    await Promise.all([...both, ...contexts]);
    await sandbox.terminate("user", callContext());
  });

  test("cells queued behind each other have each its own", async () => {
    const sandbox = await host.create({ template: "python" });
    const queued = callers().map(async (caller) => {
      const ran = await run(sandbox, LOOK.python, caller);
      assert.deepEqual(seen(ran), expected(ran, caller));
    });
    await Promise.all(queued);
    await until("the pool is full again", () => host.runtime.stats().pool.python?.ready === 1);
    await sandbox.terminate("user", callContext());
  });
});
