import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SandboxHandle } from "@sandglass/runtime";
import { type Ran, run, startRuntime, type TestRuntime } from "@sandglass/testkit";
import { assertEnded } from "./assert-ended.ts";

const MIB = 1 << 20;
/** Waits until it is told to, and then wants more memory than there is. */
const LEFT =
  "import os, time\nwhile not os.path.exists('/tmp/go'): time.sleep(0.01)\nx = bytearray(400 << 20)";

/** Cells of a context share their interpreter's control group: what of its counts is one cell's. */
describe("what a cell used and why it ended, after other cells", () => {
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(async () => {
    host = await startRuntime();
    sandbox = await host.create({ template: "python", memoryMb: 128 });
  });
  after(() => host.close());

  const cell = (code: string, contextId: string, language?: "bash" | "javascript"): Promise<Ran> =>
    run(sandbox, { code, contextId, ...(language !== undefined && { language }) });
  const assertOk = (ran: Ran): void => assertEnded(host.events, ran, { cause: "exited", code: 0 });

  /** A child of this cell waits for `/tmp/go`, and is ended by the kernel then. */
  async function leave(contextId: string): Promise<void> {
    assertOk(
      await cell(
        `import os, subprocess\nif os.path.exists('/tmp/go'): os.remove('/tmp/go')\nleft = subprocess.Popen(['python3', '-c', ${JSON.stringify(LEFT)}])`,
        contextId,
      ),
    );
  }
  const LET_GO = "open('/tmp/go', 'w').close()\nassert left.wait() == -9\n";

  test("maxRssBytes is the peak while the cell ran, not one of a cell before it", async () => {
    assertOk(await cell("x = 0", "peak"));
    const large = await cell("x = b'1' * (60 << 20); del x", "peak");
    const small = await cell("1", "peak");
    const [peak = 0, rest = 0] = [large.info.maxRssBytes, small.info.maxRssBytes];
    assert.ok(peak > 60 * MIB, `${peak}`);
    assert.ok(rest > 1 * MIB && rest < peak - 40 * MIB, `${rest} after ${peak}`);
    const again = await cell("x = b'1' * (60 << 20)", "peak");
    assert.ok((again.info.maxRssBytes ?? 0) > 60 * MIB, `${again.info.maxRssBytes}`);
    const holding = await cell("1", "peak"); // what it still has counts
    assert.ok((holding.info.maxRssBytes ?? 0) > 60 * MIB, `${holding.info.maxRssBytes}`);
  });

  test("a cell that failed of something else is not oom_killed for a child that another left, and is told of it", async () => {
    await leave("raised");
    assertEnded(host.events, await cell(`${LET_GO}1/0`, "raised"), {
      cause: "exited",
      code: 1,
      reason: "^meanwhile the memory limit ended a process of its context$",
    });
    assertEnded(host.events, await cell("1/0", "raised"), { cause: "exited", code: 1, reason: "^$" });
    await leave("fine");
    assertOk(await cell(LET_GO, "fine"));
  });

  test("a cell that failed of its own child's kill is oom_killed, whatever others left", async () => {
    const checked = (argv: string[]) =>
      `import subprocess; subprocess.run(${JSON.stringify(argv)}, check=True)`;
    const own = checked(["python3", "-c", "x = bytearray(400 << 20)"]);
    const indirect = checked(["sh", "-c", "python3 -c 'x = bytearray(400 << 20)' || exit 2"]);
    const killed = { cause: "oom_killed", code: 1, reason: "memory limit of 128 MiB" } as const;
    assertEnded(host.events, await cell(own, "own"), killed);
    assertEnded(host.events, await cell(indirect, "own"), killed);
    assertOk(await cell("import subprocess; left = subprocess.Popen(['sleep', '1000'])", "own"));
    assertEnded(host.events, await cell(own, "own"), killed);
    assertEnded(host.events, await cell("raise MemoryError", "own"), { cause: "exited", code: 1 });
    assertEnded(host.events, await cell("x = b'1' * (400 << 20)", "own"), {
      cause: "oom_killed",
      code: 137,
      contextLost: true,
    });
  });

  test("as cells of bash do", async () => {
    const greedy = 'python3 -c "x = bytearray(400 << 20)"';
    const killed = { cause: "oom_killed", reason: "memory limit of 128 MiB" } as const;
    assertEnded(host.events, await cell(`${greedy}; false`, "shell", "bash"), { ...killed, code: 1 });
    assertOk(await cell("sleep 1000 &", "shell", "bash"));
    assertEnded(host.events, await cell(greedy, "shell", "bash"), { ...killed, code: 137 });
    assertEnded(host.events, await cell(`${greedy}; (exit 3)`, "shell", "bash"), {
      cause: "exited",
      code: 3,
      reason: "meanwhile the memory limit ended a process",
    });
  });
});
