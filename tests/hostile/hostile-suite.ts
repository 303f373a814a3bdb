import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Isolation } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import type { Attack, Theme } from "./attack.ts";
import { AttackedHost } from "./attacked-host.ts";
import { assertWhole } from "./record-check.ts";
import { Scene } from "./scene.ts";

/**
 * Attacks from inside sandboxes of one isolation, as tests of `node:test`: a daemon and a quiet neighbour for all of them, a sandbox of
 * its own for each. Whatever an attack comes to, afterwards the daemon is healthy, the neighbour as it was, the record whole, nothing of
 * the sandbox left on the host, and nothing it said holds a secret of somebody else.
 *
 * @example hostileSuite("gvisor", [kernelCalls, hostReading])
 */
export function hostileSuite(isolation: Isolation, themes: readonly Theme[]): void {
  describe(`hostile code in a sandbox of ${isolation}`, () => {
    let host: AttackedHost;
    before(async () => {
      host = await AttackedHost.start(isolation);
    });
    after(() => host?.[Symbol.asyncDispose]());
    for (const { name, attacks } of themes) {
      describe(name, () => {
        for (const attack of attacks) {
          if (!isTried(attack, isolation)) continue;
          test(attack.name, () => withstand(host, attack));
        }
      });
    }
  });
}

function isTried({ notOn, onlyOn }: Attack, isolation: Isolation): boolean {
  return notOn?.[isolation] === undefined && (onlyOn === undefined || onlyOn.includes(isolation));
}

async function withstand(host: AttackedHost, attack: Attack): Promise<void> {
  const sandbox = await host.create(attack.options);
  const scene = new Scene(sandbox, host);
  const { endsAs = "user" } = attack;
  try {
    await attack.run(scene);
    if (endsAs !== "user")
      await until("the sandbox has ended", async () => (await sandbox.info()).state === "terminated");
  } finally {
    await sandbox.terminate();
  }
  for (const [where, secret] of Object.entries(host.secrets))
    for (const said of scene.said) assert.ok(!said.includes(secret), `the secret of the ${where} came out`);
  await assertWhole(host.daemon, sandbox.id, endsAs);
  await host.assertUnharmed(sandbox.id);
}
