import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Isolation } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import type { Attack, Theme } from "./attack.ts";
import { AttackedHost } from "./attacked-host.ts";
import type { Operator } from "./operator.ts";
import { assertWhole } from "./record-check.ts";
import { Scene } from "./scene.ts";

/**
 * Attacks from inside sandboxes of one isolation, as tests of `node:test`: a daemon and a quiet neighbour for all of them, a sandbox of
 * its own for each. Whatever an attack comes to, afterwards the daemon is healthy, the neighbour as it was, the record whole, nothing of
 * the sandbox left on the host, and nothing it said holds a secret of somebody else.
 *
 * @param operator whose daemon it is; default: root's
 * @example hostileSuite("gvisor", [kernelCalls, hostReading])
 */
export function hostileSuite(isolation: Isolation, themes: readonly Theme[], operator?: Operator): void {
  const whose = operator === undefined ? "" : `, whose daemon is ${operator.name}'s`;
  describe(`hostile code in a sandbox of ${isolation}${whose}`, () => {
    let host: AttackedHost;
    const stack = new AsyncDisposableStack();
    before(async () => {
      const user = operator && stack.use(await operator.prepare());
      host = stack.use(await AttackedHost.start(isolation, user, operator?.lacks));
    });
    after(() => stack.disposeAsync());
    for (const { name, attacks } of themes) {
      describe(name, () => {
        for (const attack of attacks) {
          if (!isTried(attack, isolation, operator)) continue;
          test(attack.name, () => withstand(host, attack));
        }
      });
    }
  });
}

/** Whether an attack is one for this isolation, and for what its daemon has. */
export function isTried(
  { notOn, onlyOn, needs = [] }: Attack,
  isolation: Isolation,
  operator?: Operator,
): boolean {
  if (notOn?.[isolation] !== undefined || onlyOn?.includes(isolation) === false) return false;
  return !needs.some((means) => operator?.lacks.includes(means));
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
  await assertWhole(host.daemon, sandbox.id, endsAs, scene.told);
  await host.assertUnharmed(sandbox.id);
}
