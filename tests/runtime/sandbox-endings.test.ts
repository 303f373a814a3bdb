import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Cause } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, finished, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";
import { assertEnded } from "./assert-ended.ts";

describe("why a sandbox ended", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime();
  });
  after(() => host.close());

  const ends: [
    cause: Cause,
    end: (own: SandboxHandle) => Promise<void> | undefined,
    execCause: Cause,
    request?: object,
  ][] = [
    ["user", (own) => own.terminate("user", callContext()), "sandbox_ended"],
    ["host_shutdown", (own) => own.terminate("host_shutdown", callContext()), "host_shutdown"],
    ["lifetime_exceeded", () => undefined, "sandbox_ended", { timeoutMs: 400 }],
  ];
  for (const [cause, end, execCause, request] of ends) {
    test(`${cause}: of a sandbox; its execs end before it, with ${execCause}`, async () => {
      const own = await host.create({ template: "python", ...request });
      const execs = await Promise.all([
        own.exec({ command: "echo in; sleep 1000" }, callContext()),
        own.exec({ code: "import time; time.sleep(1000)" }, callContext()),
        own.exec({ code: "print('waits')" }, callContext()),
      ]);
      await until("they run", () => execs[0]?.info().stdoutBytes === 3);
      await end(own);
      for (const exec of execs)
        assertEnded(host.events, await finished(exec), { cause: execCause, code: 137 });
      await host.events.next("sandbox.terminated", own.id);
      const events = host.events.of(own.id);
      assert.equal(events.at(-1)?.type, "sandbox.terminated");
      const terminated = host.events.ofType("sandbox.terminated", own.id);
      assert.equal(terminated.length, 1);
      assert.equal(terminated[0]?.data.cause, cause);
      assert.equal(terminated[0]?.data.execs, 3);
      await until("it is described so", () => own.info().cause === cause);
    });
  }

  test("idle_timeout: of a sandbox that nobody calls, and not of one with a running exec", async () => {
    const own = await host.create({ idleTimeoutMs: 150, onIdle: "terminate" });
    const { exit } = await run(own, { command: "sleep 0.6; echo done" });
    assert.equal(exit.cause, "exited");
    const { data } = await host.events.next("sandbox.terminated", own.id);
    assert.deepEqual(
      [data.cause, data.reason],
      ["idle_timeout", "idleTimeoutMs (150) passed without a call"],
    );
  });
});
