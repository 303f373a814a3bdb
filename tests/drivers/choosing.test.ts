import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { callContext, run, startRuntime, type TestRuntime } from "@sandglass/testkit";

const execute = promisify(execFile);

describe("choosing how a sandbox is isolated", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({
      templates: { python: { poolSize: 0 }, careful: { base: "bash", isolation: "crun", poolSize: 1 } },
      defaults: { diskMb: 32 },
    });
    await host.runtime.ready();
  });
  after(() => host.close());

  test("the request comes before the template, and the template before the default", async () => {
    const kinds = await Promise.all([
      host.create(),
      host.create({ isolation: "gvisor" }),
      host.create({ template: "careful" }),
      host.create({ template: "careful", isolation: "bubblewrap" }),
    ]);
    assert.deepEqual(
      kinds.map((sandbox) => [sandbox.info().isolation, sandbox.info().source]),
      [
        ["bubblewrap", "on_demand"],
        ["gvisor", "on_demand"],
        ["crun", "pool"],
        ["bubblewrap", "on_demand"],
      ],
    );
    const answers = await Promise.all(
      kinds.map((sandbox) => run(sandbox, { command: "uname -r; cat /proc/1/comm" })),
    );
    const [ours, guests] = answers.map(({ stdout }) => stdout);
    assert.notEqual(ours, guests, "gVisor answers with a kernel of its own");
    await Promise.all(kinds.map((sandbox) => sandbox.terminate("user", callContext())));
  });

  test("one that this daemon does not have is refused, with what there is", async () => {
    await assert.rejects(host.create({ isolation: "kubernetes" }), (error: Error & { hint?: string }) => {
      assert.equal((error as { code?: string }).code, "UNSUPPORTED_ON_HOST");
      assert.match(error.hint ?? "", /bubblewrap, crun, gvisor/);
      return true;
    });
  });

  test("doctor tries each by a sandbox, and says which limits it does not enforce", async () => {
    const checks = await host.runtime.checks();
    const found = checks.filter(({ name }) => name.startsWith("isolation "));
    assert.deepEqual(
      found.map(({ name, status }) => [name, status]),
      [
        ["isolation bubblewrap", "ok"],
        ["isolation crun", "ok"],
        ["isolation gvisor", "ok"],
      ],
    );
    for (const { detail } of found) assert.match(detail, /every limit enforced/);
    const promises = checks.find(({ name }) => name === "promises");
    assert.equal(promises?.status, "ok", promises?.detail);
  });

  test("on a host without the program it is refused with the command that installs it, and doctor says so", async () => {
    // In a mount namespace of its own, where what is there cannot be executed.
    const script = join(import.meta.dirname, "without-programs.ts");
    const line = 'for p in crun runsc; do mount --bind /dev/null "$(command -v $p)"; done; exec "$@"';
    const { stdout } = await execute("unshare", [
      ...["--mount", "/bin/sh", "-c", line, "sh", process.execPath, script],
    ]);
    assert.deepEqual(JSON.parse(stdout), {
      crun: ["UNSUPPORTED_ON_HOST", "apt-get install crun"],
      gvisor: ["UNSUPPORTED_ON_HOST", "apt-get install runsc (or gvisor.dev/docs/user_guide/install)"],
      checks: { "isolation bubblewrap": "ok", "isolation crun": "warn", "isolation gvisor": "warn" },
      bubblewrap: "works\n",
      asDefault: "UNSUPPORTED_ON_HOST",
    });
  });
});
