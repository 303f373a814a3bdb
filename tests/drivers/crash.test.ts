import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  callContext,
  finished,
  livingPids,
  minderPid,
  noTraces,
  outermostPid,
  parentPid,
  run,
  sandboxPids,
  startRuntime,
  until,
} from "@sandglass/testkit";

const context = callContext();
const DAEMON = join(import.meta.dirname, "../runtime/daemon-in-a-process.ts");

/** Everything that would be left: a process of the tools by its name, whoever's child it has become. */
function processesIn(ids: readonly string[]): number[] {
  return ids.flatMap((id) => sandboxPids(id));
}

for (const isolation of ["crun", "gvisor"] as const) {
  describe(`when something is killed around sandboxes behind ${isolation}`, () => {
    test("the daemon: nothing of them survives it, frozen ones included, once the next has started", async () => {
      const dataDir = await mkdtemp(join(tmpdir(), "sg-"));
      try {
        const child = spawn(process.execPath, [DAEMON, dataDir, "3", isolation], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(child.stdout, "data");
        const ids = readdirSync(join(dataDir, "sandboxes"));
        assert.equal(ids.length, 4, "three sandboxes and a pooled one");
        for (const id of ids) assert.ok(livingPids(id).length > 0);
        child.kill("SIGKILL");
        await once(child, "exit");
        await until("every process is gone", () => processesIn(ids).length === 0);
        await using host = await startRuntime({ dataDir, isolation });
        for (const id of ids) await noTraces(dataDir, id);
        assert.equal((await run(await host.create(), { command: "echo again" })).stdout, "again\n");
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    });

    test("the native helper: what runs goes on, and new sandboxes can be made", async () => {
      await using host = await startRuntime({ isolation });
      const sandbox = await host.create();
      const exec = await sandbox.exec(
        { command: "echo in; until [ -e go ]; do sleep 0.02; done; echo out" },
        context,
      );
      await until("it runs", () => exec.info().stdoutBytes > 0);
      const helper = parentPid(minderPid(sandbox.id));
      process.kill(helper, "SIGKILL");
      const next = await host.create();
      assert.equal((await run(next, { command: "echo works" })).stdout, "works\n");
      assert.notEqual(parentPid(minderPid(next.id)), helper);
      assert.equal((await run(sandbox, { command: "touch go" })).exit.code, 0);
      assert.equal((await finished(exec)).stdout, "in\nout\n");
      assert.equal((await run(sandbox, { command: "echo again" })).stdout, "again\n");
      await sandbox.terminate("user", context);
      await noTraces(host.dataDir, sandbox.id);
    });

    test("a minder: its own sandbox ends with driver_error and says so, another goes on", async () => {
      await using host = await startRuntime({ isolation });
      const [sandbox, neighbour] = await Promise.all([host.create(), host.create()]);
      process.kill(minderPid(sandbox.id), "SIGKILL");
      const { data } = await host.events.next("sandbox.terminated", sandbox.id);
      assert.equal(data.cause, "driver_error");
      assert.match(data.reason ?? "", /the sandbox's minder, its parent process on the host, went away/);
      await noTraces(host.dataDir, sandbox.id);
      assert.equal((await run(neighbour, { command: "echo here" })).stdout, "here\n");
    });

    test("the tool outside: they end with driver_error", async () => {
      await using host = await startRuntime({ isolation });
      const sandbox = await host.create();
      process.kill(outermostPid(sandbox.id), "SIGKILL");
      assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
      await noTraces(host.dataDir, sandbox.id);
    });
  });
}
