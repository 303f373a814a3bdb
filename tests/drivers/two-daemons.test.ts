import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { sandboxPids, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type Sandbox } from "sandglass";

const SANDBOXES_EACH = 3;
/** Uids below are the host's own. */
const FIRST_UID = 200_000;

/** Who the sandboxes' processes are on the host, once they are all there. */
async function uidsOf(sandboxes: readonly Sandbox[]): Promise<Set<number>> {
  const uids = sandboxes.flatMap(({ id }) =>
    sandboxPids(id)
      .filter((pid) => existsSync(`/proc/${pid}/status`))
      .map((pid) => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])),
  );
  return new Set(uids.filter((uid) => uid >= FIRST_UID));
}

const shared = (some: ReadonlySet<number>, others: ReadonlySet<number>): number[] =>
  [...some].filter((uid) => others.has(uid));

test("two daemons on one host give their sandboxes uids that the other's have not, also when one of them was killed", async () => {
  const claims = new Set<string>();
  {
    await using stack = new AsyncDisposableStack();
    const start = async (): Promise<{ daemon: TestDaemon; sandboxes: Sandbox[] }> => {
      const daemon = stack.use(await startDaemon({ args: ["--pool", "python=0"] }));
      const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
      stack.defer(() => client.close());
      const made = Array.from({ length: SANDBOXES_EACH }, () =>
        client.sandboxes.create({ template: "bash" }),
      );
      return { daemon, sandboxes: await Promise.all(made) };
    };
    const [one, two] = await Promise.all([start(), start()]);
    const [ofOne, ofTwo] = await Promise.all([uidsOf(one.sandboxes), uidsOf(two.sandboxes)]);
    assert.ok(ofOne.size >= SANDBOXES_EACH && ofTwo.size >= SANDBOXES_EACH, `${ofOne.size}, ${ofTwo.size}`);
    assert.deepEqual(shared(ofOne, ofTwo), []);
    for (const uid of [...ofOne, ...ofTwo]) claims.add(`/run/sandglass/uids/${uid}`);
    for (const claim of claims) assert.ok(existsSync(claim), claim);
    // What a killed daemon had is nobody's, and the next who looks takes it.
    await one.daemon.kill();
    await until("its sandboxes are gone", () =>
      one.sandboxes.every(({ id }) => sandboxPids(id).length === 0),
    );
    const three = await start();
    assert.deepEqual(shared(await uidsOf(three.sandboxes), ofTwo), []);
  }
});
