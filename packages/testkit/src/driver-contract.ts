import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { ContractSandbox, type DriverUnderTest } from "./driver-contract/contract-sandbox.ts";
import { controlContract } from "./driver-contract/control.ts";
import { forkingContract } from "./driver-contract/forking.ts";
import { isolationContract } from "./driver-contract/isolation.ts";
import { limitsContract } from "./driver-contract/limits.ts";
import { listeningContract } from "./driver-contract/listening.ts";
import { seccompContract } from "./driver-contract/seccomp.ts";
import { noTraces } from "./host-traces.ts";

export type { DriverUnderTest } from "./driver-contract/contract-sandbox.ts";

/**
 * What every driver must do, as tests of `node:test`. Needs root, and `/bin/sh` and `python3` in the sandbox.
 *
 * @param makeDriver a driver of this suite's own in a data directory of its own
 * @example driverContract("bubblewrap", async () => {
 *   const dataDir = await mkdtemp(join(tmpdir(), "sg-"));
 *   return { dataDir, driver: await startDriver("bubblewrap", { dataDir, mountPoints: ["/srv/data"] }) };
 * });
 */
export function driverContract(name: string, makeDriver: () => Promise<DriverUnderTest>): void {
  describe(`the driver ${name}`, () => {
    let made: DriverUnderTest;
    const host = (): DriverUnderTest => made;
    before(async () => {
      process.env.SANDGLASS_CONTRACT_CANARY = "canary-4711";
      made = await makeDriver();
    });
    after(async () => {
      delete process.env.SANDGLASS_CONTRACT_CANARY;
      await rm(made.dataDir, { recursive: true, force: true });
    });

    test("a sandbox greets, runs a program and says how it ended", async () => {
      const sandbox = await ContractSandbox.create(made.driver);
      assert.ok(sandbox.driver.bootMs > 0 && sandbox.driver.connectMs >= 0);
      const { code, signal, stdout, stderr } = await sandbox.run([
        "/bin/sh",
        "-c",
        "pwd; echo err >&2; exit 3",
      ]);
      assert.deepEqual(
        { code, signal, stdout, stderr },
        { code: 3, signal: 0, stdout: "/workspace\n", stderr: "err\n" },
      );
      assert.equal((await sandbox.run(["/bin/sh", "-c", "kill -TERM $$"])).signal, 15);
      await assert.rejects(sandbox.run(["/no/such/program"]), { errno: "ENOENT" });
      await sandbox.end();
    });

    isolationContract(host);
    seccompContract(host);
    limitsContract(host);
    controlContract(host);
    listeningContract(host);
    forkingContract(host);

    test("what it says of this host is well formed", async () => {
      for (const { limit, reason } of made.driver.unenforced)
        assert.ok(limit !== undefined && reason.length > 0);
    });

    test("closing it kills what still runs and leaves nothing", async () => {
      const sandbox = await ContractSandbox.create(made.driver);
      await sandbox.start(["sleep", "1000"]);
      await made.driver.close();
      await noTraces(made.dataDir, sandbox.id);
      assert.deepEqual(readdirSync(`${made.dataDir}/sandboxes`), []);
    });
  });
}
