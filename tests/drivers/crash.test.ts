import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { livingPids, noTraces, run, sandboxPids, startRuntime, until } from "@sandglass/testkit";

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

    test("the native helper: they end with driver_error, and new ones can be made", async () => {
      await using host = await startRuntime({ isolation });
      const sandbox = await host.create();
      process.kill(helperOf(sandbox.id), "SIGKILL");
      assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
      await noTraces(host.dataDir, sandbox.id);
      const next = await until("there is a helper again", () => host.create().catch(() => undefined));
      assert.equal((await run(next, { command: "echo works" })).stdout, "works\n");
    });

    test("the tool outside: they end with driver_error", async () => {
      await using host = await startRuntime({ isolation });
      const sandbox = await host.create();
      process.kill(outermostOf(sandbox.id), "SIGKILL");
      assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
      await noTraces(host.dataDir, sandbox.id);
    });
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** crun, or the bubblewrap around gVisor: the one whose parent is not in the sandbox. */
function outermostOf(sandboxId: string): number {
  const pids = sandboxPids(sandboxId);
  const found = pids.find((pid) => !pids.includes(parentOf(pid)));
  if (found === undefined) throw new Error("no process of the sandbox has a parent outside");
  return found;
}

function helperOf(sandboxId: string): number {
  return parentOf(outermostOf(sandboxId));
}
