import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Isolation } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime, until } from "@sandglass/testkit";

const WALLS: readonly Isolation[] = ["bubblewrap", "crun", "gvisor"];
const context = callContext();

async function shell(sandbox: SandboxHandle, command: string): Promise<string> {
  const { stdout, stderr, exit } = await run(sandbox, { command });
  assert.equal(exit.code, 0, `"${command}": ${stderr}`);
  return stdout;
}

describe("sandboxes that were forked", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({ defaults: { memoryMb: 200, diskMb: 64, idleTimeoutMs: 0 } });
  });
  after(() => host.close());

  async function family(count: number, prepare: string, isolation: Isolation = "bubblewrap") {
    const parent = await host.create({ isolation });
    await shell(parent, prepare);
    const children = await host.runtime.fork(parent, count, context);
    return { parent, children, one: children[0] as SandboxHandle, other: children[1] as SandboxHandle };
  }

  async function end(...sandboxes: SandboxHandle[]): Promise<void> {
    await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
  }

  for (const isolation of WALLS) {
    test(`differ by what was added, modified and removed; a merge takes it over, and the winner ends: ${isolation}`, async () => {
      const { parent, one } = await family(
        1,
        "mkdir -p d/e gone/deep shut; echo 1 > d/same; echo 1 > d/longer; echo 1 > d/flipped; echo 1 > d/mode; echo 1 > gone/deep/x; " +
          "ln -s same d/link; echo 1 > file; mkdir dir; echo 1 > dir/in; echo 1 > shut/x; chmod 555 shut; echo t > /tmp/t",
        isolation,
      );
      assert.deepEqual(await host.runtime.diff(one, parent), {
        against: parent.id,
        added: [],
        modified: [],
        removed: [],
        truncated: false,
      });
      await shell(
        one,
        "echo 12 > d/longer; echo 2 > d/flipped; chmod 751 d/mode; rm -r gone; ln -sfn longer d/link; rm file; mkdir file; echo 2 > file/in; " +
          "rm -r dir; echo 2 > dir; chmod 755 shut; echo 2 > shut/y; chmod 555 shut; touch d/same; mkdir -p new/er; echo 2 > new/er/x; " +
          "echo 2 > /etc/two; rm /etc/hosts; echo 2 > /usr/local/two; rm -r /usr/share/doc; echo n > /tmp/n; echo n > /run/n; mkfifo pipe",
      );
      const { removed, ...found } = await host.runtime.diff(one, parent);
      assert.deepEqual(found, {
        against: parent.id,
        added: [
          "/etc/two",
          "/usr/local/two",
          "/workspace/file/in",
          "/workspace/new",
          "/workspace/new/er",
          "/workspace/new/er/x",
          "/workspace/shut/y",
        ],
        modified: [
          "/workspace/d/flipped",
          "/workspace/d/link",
          "/workspace/d/longer",
          "/workspace/d/mode",
          "/workspace/dir",
          "/workspace/file",
        ],
        truncated: false,
      });
      const documents = removed.filter((path) => path.startsWith("/usr/share/doc/"));
      assert.ok(
        documents.length > 10,
        "each thing of a layer of the host's, though the layer above holds one mark",
      );
      assert.deepEqual(
        removed.filter((path) => !documents.includes(path)),
        [
          "/etc/hosts",
          "/usr/share/doc",
          "/workspace/dir/in",
          "/workspace/gone",
          "/workspace/gone/deep",
          "/workspace/gone/deep/x",
        ],
      );
      const back = await host.runtime.diff(parent, one);
      assert.deepEqual([back.added, back.removed, back.modified], [removed, found.added, found.modified]);

      const caller = callContext();
      await host.runtime.merge(parent, one, caller);
      assert.equal(
        await shell(
          parent,
          "cat d/longer d/flipped d/link file/in dir shut/y new/er/x /etc/two /usr/local/two; echo d/*; [ ! -e gone ] && [ ! -e /etc/hosts ] && [ ! -e /usr/share/doc ] && [ ! -e pipe ] && [ ! -e /tmp/n ] && cat /tmp/t",
        ),
        "12\n2\n12\n2\n2\n2\n2\n2\n2\nd/e d/flipped d/link d/longer d/mode d/same\nt\n",
      );
      if (isolation !== "gvisor") assert.equal(await shell(parent, "stat -c %a d/mode shut"), "751\n555\n");
      assert.deepEqual([one.info().state, one.info().cause], ["terminated", "merged"]);
      const [merged] = host.events.ofType("sandbox.merged", parent.id);
      assert.deepEqual(
        [merged?.data.winner, merged?.data.added, merged?.data.modified, merged?.data.removed],
        [one.id, found.added.length, found.modified.length, removed.length],
      );
      assert.equal(merged?.traceId, caller.traceId);
      await assert.rejects(host.runtime.diff(one, parent), { code: "SANDBOX_ENDED" });
      await assert.rejects(host.runtime.merge(parent, one, context), { code: "SANDBOX_ENDED" });
      await end(parent);
    });
  }

  test("siblings and strangers are compared too; sandboxes of another kind are refused", async () => {
    const { parent, one, other } = await family(2, "echo 1 > a; head -c 1M /dev/urandom > same");
    await shell(one, "echo 2 > a; echo 2 > ones");
    await shell(other, "cp same copy; mv copy same; echo 2 > others");
    assert.deepEqual(await host.runtime.diff(one, other), {
      against: other.id,
      added: ["/workspace/ones"],
      modified: ["/workspace/a"],
      removed: ["/workspace/others"],
      truncated: false,
    });
    const stranger = await host.create();
    assert.deepEqual((await host.runtime.diff(stranger, parent)).removed, [
      "/workspace/a",
      "/workspace/same",
    ]);
    const behind = await host.create({ isolation: "crun" });
    const python = await host.create({ template: "python" });
    for (const wrong of [behind, python, parent]) {
      await assert.rejects(host.runtime.diff(parent, wrong), { code: "INVALID_REQUEST" });
      await assert.rejects(host.runtime.merge(parent, wrong, context), { code: "INVALID_REQUEST" });
    }
    await end(parent, one, other, stranger, behind, python);
  });

  test("that are paused are compared as they are, without being woken, and not merged", async () => {
    const { parent, one } = await family(1, "echo 1 > a");
    await shell(one, "echo 2 > a");
    await Promise.all([parent.pause(context), one.pause(context)]);
    assert.deepEqual((await host.runtime.diff(one, parent)).modified, ["/workspace/a"]);
    assert.deepEqual([parent.info().state, one.info().state], ["paused", "paused"]);
    await assert.rejects(host.runtime.merge(parent, one, context), { code: "SANDBOX_PAUSED" });
    await parent.resume(context);
    await assert.rejects(host.runtime.merge(parent, one, context), { code: "SANDBOX_PAUSED" });
    await one.resume(context);
    await host.runtime.merge(parent, one, context);
    assert.equal(await shell(parent, "cat a"), "2\n");
    await end(parent);
  });

  test("more than ten thousand differences are cut off, and said to be", async () => {
    const { parent, one } = await family(1, "true");
    await shell(one, "mkdir many; cd many; seq 10500 | xargs touch");
    const { added, truncated } = await host.runtime.diff(one, parent);
    assert.deepEqual([added.length, truncated], [10_000, true]);
    await host.runtime.merge(parent, one, context);
    assert.equal(await shell(parent, "ls many | wc -l"), "10500\n");
    await end(parent);
  });

  test("no room on the disk: nothing is written, and the winner goes on", async () => {
    const { parent, one } = await family(1, "head -c 25M /dev/zero > held");
    await shell(one, "rm held; head -c 50M /dev/zero > large; echo 1 > a");
    await assert.rejects(host.runtime.merge(parent, one, context), (error: Error & { code: string }) => {
      assert.equal(error.code, "DISK_FULL");
      return /nothing was merged/.test(error.message);
    });
    assert.equal(await shell(parent, "ls"), "held\n");
    assert.equal(await shell(one, "ls"), "a\nlarge\n");
    assert.equal(host.events.ofType("sandbox.error", parent.id).at(-1)?.data.code, "DISK_FULL");
    assert.deepEqual(host.events.ofType("sandbox.merged", parent.id), []);
    await end(parent, one);
  });

  test("a merge that cannot go on says how far it came; the winner goes on, and it can be merged again", async () => {
    const parent = await host.create({ diskMb: 8 });
    const [one] = await host.runtime.fork(parent, 1, context);
    assert.ok(one);
    await shell(one, "mkdir new; cd new; for i in $(seq 20); do echo $i > f$i; done");
    // Room for bytes, and for seven names.
    await shell(parent, "mkdir used; cd used; touch $(seq 5000) 2>/dev/null || true; rm 1 2 3 4 5 6 7");
    await assert.rejects(host.runtime.merge(parent, one, context), (error: Error & { code: string }) => {
      assert.equal(error.code, "DISK_FULL");
      const far = /^the merge ended after (\d+) of \d+ changes at \/workspace\/new\/f\d+: ENOSPC/.exec(
        error.message,
      );
      return Number(far?.[1]) > 1 && Number(far?.[1]) < 8;
    });
    assert.equal(host.events.ofType("sandbox.error", parent.id).length, 1);
    assert.equal(await shell(parent, "ls new | wc -l; ls -a new | grep -c merge || true"), "6\n0\n");
    assert.equal(await shell(one, "cat new/f20"), "20\n");
    await shell(parent, "rm -r used");
    await host.runtime.merge(parent, one, context);
    assert.equal(await shell(parent, "cat new/f20; ls new | wc -l"), "20\n20\n");
    await end(parent);
  });

  test("two that are merged into each other at once: one wins, and nothing waits for ever", async () => {
    const { parent, one } = await family(1, "head -c 20M /dev/urandom > large");
    await shell(one, "head -c 20M /dev/urandom > large");
    const outcomes = await Promise.allSettled([
      host.runtime.merge(parent, one, context),
      host.runtime.merge(one, parent, context),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    assert.equal(outcomes[1]?.status === "rejected" && outcomes[1].reason.code, "FILE_CONFLICT");
    await end(parent);
  });

  test("one that ends during the merge: it fails, and the other goes on", async () => {
    for (const which of ["parent", "one"] as const) {
      const two = await family(1, "true");
      await shell(two.one, "head -c 40M /dev/urandom > large");
      const merging = assert.rejects(host.runtime.merge(two.parent, two.one, context), {
        code: "SANDBOX_ENDED",
      });
      await until(
        "it has begun",
        async () => host.runtime.get(two.parent.id, "default").info().state === "running",
      );
      await two[which].terminate("user", context);
      await merging;
      const left = which === "parent" ? two.one : two.parent;
      assert.equal(await shell(left, "echo on"), "on\n");
      await end(left);
    }
  });
});
