import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { DEFAULT_LIMITS } from "@sandglass/runtime";
import { noTraces } from "../host-traces.ts";
import { ContractSandbox, type DriverUnderTest } from "./contract-sandbox.ts";

const NEVER = new AbortController().signal;

/** A sandbox's disk as the beginning of another's. */
export function forkingContract(host: () => DriverUnderTest): void {
  describe("forking", () => {
    test("a snapshot of a disk is the disk of as many sandboxes as it was made for, each with a copy of its own; or it is said what would", async () => {
      const { driver, dataDir } = host();
      if (!driver.capabilities.canFork) return refusesToFork(driver);
      const parent = await ContractSandbox.create(driver);
      await parent.shell("echo parents > /workspace/a; echo parents > /etc/a; echo parents > /usr/local/a");
      await parent.driver.freeze(true);
      const snapshot = await parent.driver.snapshot(2, NEVER);
      await parent.driver.freeze(false);
      await parent.shell("echo later > /workspace/a");
      const make = async (): Promise<ContractSandbox> => {
        const id = newSandboxId();
        const limits = { ...DEFAULT_LIMITS, diskMb: 32 };
        return ContractSandbox.around(id, await driver.create({ id, limits, mounts: [], snapshot }));
      };
      const children = await Promise.all([make(), make()]);
      await snapshot.remove();
      for (const [at, child] of children.entries()) {
        const seen = await child.shell("cat /workspace/a /etc/a /usr/local/a; cd /workspace; echo *");
        assert.equal(seen, "parents\nparents\nparents\na\n");
        await child.shell(`echo ${at} > /workspace/a; echo own > /etc/own; rm /usr/local/a`);
      }
      assert.equal(await parent.shell("cat /workspace/a /usr/local/a"), "later\nparents\n");
      for (const each of [parent, ...children]) {
        await each.end();
        await noTraces(dataDir, each.id);
      }
      assert.deepEqual(
        readdirSync(join(dataDir, "sandboxes")).filter((name) => name.endsWith(".snapshot")),
        [],
      );
    });
  });
}

async function refusesToFork(driver: DriverUnderTest["driver"]): Promise<void> {
  const sandbox = await ContractSandbox.create(driver);
  const refused = (error: Error & { code: string; hint: string }): boolean =>
    error.code === "UNSUPPORTED_ON_HOST" && /as root/.test(error.hint);
  await assert.rejects(sandbox.driver.snapshot(1, NEVER), refused);
  assert.throws(() => sandbox.driver.mounts, refused);
  await sandbox.end();
}
