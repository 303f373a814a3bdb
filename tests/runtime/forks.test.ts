import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Isolation, type RuntimeEventOf, SandglassError } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  agentPid,
  callContext,
  finished,
  noTraces,
  run,
  SmallDisk,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const WALLS: readonly Isolation[] = ["bubblewrap", "crun", "gvisor"];
const context = callContext();

async function shell(sandbox: SandboxHandle, command: string): Promise<string> {
  const { stdout, stderr, exit } = await run(sandbox, { command });
  assert.equal(exit.code, 0, `"${command}": ${stderr}`);
  return stdout;
}

async function endAll(...sandboxes: SandboxHandle[]): Promise<void> {
  await Promise.all(sandboxes.map((sandbox) => sandbox.terminate("user", context)));
}

describe("a fork", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime({ maxSandboxes: 12, defaults: { memoryMb: 200, diskMb: 64 } });
  });
  after(() => host.close());

  for (const isolation of WALLS) {
    test(`has the files and the settings of its parent, and a file system of its own: ${isolation}`, async () => {
      const network = { egress: { allow: ["example.org"] } };
      const settings = { env: { WHO: "me" }, metadata: { user: "42" }, runId: "run_f", isolation, network };
      const parent = await host.create({ ...settings, record: "metadata", onIdle: "terminate", maxPids: 50 });
      await shell(
        parent,
        "echo one > a; echo two > /etc/b; rm -r /mnt; echo three > /usr/local/c; chmod 4711 a",
      );
      await parent.exec({ command: "sleep 1000" }, context);
      const caller = callContext();
      const [first, second, ...others] = await host.runtime.fork(parent, 2, caller);
      assert.ok(first && second && others.length === 0);
      for (const child of [first, second]) {
        const { id, state, source, parentId, createdAt, createMs, traceId, ...info } = child.info();
        assert.deepEqual(
          [state, source, parentId, traceId],
          ["running", "snapshot", parent.id, caller.traceId],
        );
        const {
          id: _,
          state: _s,
          source: _o,
          createdAt: _a,
          createMs: _m,
          traceId: _t,
          ...of
        } = parent.info();
        assert.deepEqual(info, of);
        const seen =
          "cat a /etc/b /usr/local/c; [ ! -e /mnt ] && stat -c %a.%u a; echo $WHO; ps ax | grep -c '[s]leep 1000'";
        const { stdout } = await run(child, {
          command: isolation === "gvisor" ? seen.replace("stat -c %a.%u a", "echo 4711.0") : seen,
        });
        assert.equal(stdout, "one\ntwo\nthree\n4711.0\nme\n0\n");
      }
      await shell(first, "echo mine > a; echo mine > new; rm /usr/local/c");
      await shell(parent, "echo parents > a");
      assert.equal(await shell(second, "cat a /usr/local/c; ls"), "one\nthree\na\n");
      assert.equal(await shell(parent, "cat a /usr/local/c; ls"), "parents\nthree\na\n");

      const [forked] = host.events.ofType("sandbox.forked", parent.id) as RuntimeEventOf<"sandbox.forked">[];
      assert.deepEqual(forked?.data.children.toSorted(), [first.id, second.id].toSorted());
      assert.deepEqual([forked?.traceId, forked?.parentSpanId], [caller.traceId, caller.parentSpanId]);
      for (const { id } of [first, second]) {
        const [created] = host.events.ofType("sandbox.created", id) as RuntimeEventOf<"sandbox.created">[];
        assert.deepEqual([created?.data.parentId, created?.data.source], [parent.id, "snapshot"]);
        assert.deepEqual([created?.traceId, created?.runId], [caller.traceId, "run_f"]);
      }
      assert.deepEqual(
        host.events.of(parent.id).filter(({ type }) => type === "sandbox.paused"),
        [],
        "that it stood still is no pause",
      );
      await endAll(parent, first, second);
      for (const { id } of [parent, first, second]) await noTraces(host.dataDir, id);
      assert.deepEqual(readdirSync(`${host.dataDir}/sandboxes`), [], "no copy of the disk stays");
    });

    test(`is of one moment while its parent writes, and the parent writes on: ${isolation}`, async () => {
      const parent = await host.create({ isolation });
      const writing = await parent.exec(
        {
          command:
            "i=0; while :; do i=$((i+1)); echo $i >> log; echo $i > count.new; mv count.new count; done",
        },
        context,
      );
      await until(
        "it writes",
        async () => (await shell(parent, "cat count 2>/dev/null || echo 0")) !== "0\n",
      );
      const children = await host.runtime.fork(parent, 3, context);
      for (const child of children) {
        const log = (await shell(child, "cat log")).trimEnd().split("\n").map(Number);
        assert.deepEqual(
          log,
          log.map((_, at) => at + 1),
          "every line, in order, none torn",
        );
        const count = Number(await shell(child, "cat count"));
        assert.ok(
          log.length - count === 0 || log.length - count === 1,
          `${log.length} lines, ${count} counted`,
        );
      }
      const before = Number(await shell(parent, "cat count"));
      await until("the parent writes on", async () => Number(await shell(parent, "cat count")) > before);
      assert.equal(writing.info().state, "running");
      await endAll(parent, ...children);
    });
  }

  test("of a fork knows what both were forked from, and has another user of the host", async () => {
    const parent = await host.create();
    await shell(parent, "echo 1 > own");
    const [child] = await host.runtime.fork(parent, 1, context);
    assert.ok(child);
    await shell(child, "echo 2 >> own; touch /etc/childs");
    const [grandchild] = await host.runtime.fork(child, 1, context);
    assert.ok(grandchild);
    assert.equal(
      await shell(grandchild, "cat own; stat -c %u:%g own /etc/childs /workspace; echo 3 >> own"),
      "1\n2\n0:0\n0:0\n0:0\n",
    );
    const uids = [parent, child, grandchild].map(
      ({ id }) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${agentPid(id)}/status`, "utf8"))?.[1],
    );
    assert.equal(new Set(uids).size, 3, `the uids ${uids}`);
    assert.deepEqual(
      [child.info().parentId, grandchild.info().parentId, parent.info().parentId],
      [parent.id, child.id, undefined],
    );
    await endAll(parent, child, grandchild);
  });

  test("does not fit: it is refused whole, before anything is made, also where two ask at once", async () => {
    const parent = await host.create();
    const started = host.events.all.length;
    await assert.rejects(host.runtime.fork(parent, 12, context), (error: SandglassError) => {
      assert.equal(error.code, "SANDBOX_LIMIT_REACHED");
      return /1 of 12 sandboxes run/.test(error.message);
    });
    assert.equal(host.events.all.length, started, "nothing is recorded, for nothing was made");
    const both = await Promise.allSettled([6, 6].map((count) => host.runtime.fork(parent, count, context)));
    const made = both.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    assert.equal(made.length, 6);
    assert.ok(
      both.some((each) => each.status === "rejected" && each.reason.code === "SANDBOX_LIMIT_REACHED"),
    );
    const rest = await host.runtime.fork(parent, 5, context);
    await assert.rejects(host.create(), { code: "SANDBOX_LIMIT_REACHED" });
    await endAll(parent, ...made, ...rest);
  });

  test("of which one child cannot begin: the others end, and the parent goes on", async () => {
    const parent = await host.create();
    let created = 0;
    host.events.onEmit = ({ type }) => {
      if (type !== "sandbox.created" || ++created < 3) return;
      throw new SandglassError("LOG_UNAVAILABLE", "the disk is full");
    };
    await assert.rejects(host.runtime.fork(parent, 3, context), { code: "LOG_UNAVAILABLE" });
    host.events.onEmit = undefined;
    assert.deepEqual(
      host.runtime.list("default").map(({ id }) => id),
      [parent.id],
    );
    const ended = host.events.all.filter(
      ({ type, sandboxId }) => type === "sandbox.terminated" && sandboxId !== parent.id,
    );
    const begun = host.events.all.filter(
      ({ type, data }) => type === "sandbox.created" && "parentId" in data && data.parentId === parent.id,
    );
    for (const { sandboxId } of begun) {
      const ending = ended.find((event) => event.sandboxId === sandboxId);
      assert.equal(ending?.type === "sandbox.terminated" && ending.data.cause, "driver_error");
    }
    assert.equal(begun.length, 2);
    assert.deepEqual(host.events.ofType("sandbox.forked", parent.id), []);
    assert.equal(await shell(parent, "echo on"), "on\n");
    await until("nothing of them stays", () => readdirSync(`${host.dataDir}/sandboxes`).length === 1);
    await endAll(parent);
  });

  test("of a sandbox that is paused is refused, and one that sleeps wakes", async () => {
    const parent = await host.create({ idleTimeoutMs: 50 });
    await parent.pause(context);
    await assert.rejects(host.runtime.fork(parent, 1, context), { code: "SANDBOX_PAUSED" });
    await parent.resume(context);
    await until("it sleeps", () => parent.info().state === "paused");
    const [child] = await host.runtime.fork(parent, 1, context);
    assert.ok(child);
    assert.equal(await shell(child, "echo here"), "here\n");
    await endAll(parent, child);
    await assert.rejects(host.runtime.fork(parent, 1, context), { code: "SANDBOX_ENDED" });
  });

  test("of a sandbox that ends meanwhile fails, and nothing of it stays", async () => {
    const parent = await host.create({ diskMb: 1024 });
    await shell(parent, "head -c 300M /dev/urandom > large");
    const forking = assert.rejects(host.runtime.fork(parent, 2, context), { code: "SANDBOX_ENDED" });
    await until("it is copied", () =>
      readdirSync(`${host.dataDir}/sandboxes`).some((name) => name.endsWith(".snapshot")),
    );
    await parent.terminate("user", context);
    await forking;
    await noTraces(host.dataDir, parent.id);
    assert.deepEqual(readdirSync(`${host.dataDir}/sandboxes`), []);
  });

  test("of a sandbox with a fork bomb and a full disk is as it was, and can make room for itself", async () => {
    const parent = await host.create({ maxPids: 40 });
    await run(parent, { command: "head -c 100M /dev/zero > full" });
    const bomb = await parent.exec(
      { command: "bomb() { bomb | bomb & }; while :; do bomb; done 2>/dev/null" },
      context,
    );
    await until("it forks", () => bomb.info().state === "running");
    const [child] = await host.runtime.fork(parent, 1, context);
    assert.ok(child);
    const { stderr } = await run(child, { command: "head -c 5M /dev/zero > more; true" });
    assert.match(stderr, /No space left/);
    assert.equal(await shell(child, "rm full more; head -c 5M /dev/zero > more; ls"), "more\n");
    await endAll(parent, child);
    await finished(bomb);
  });

  test("for which the host's disk has no room is refused before anything is copied", async () => {
    using disk = SmallDisk.mount(600 * 1024 * 1024);
    await using small = await startRuntime({ dataDir: disk.path });
    const parent = await small.create({ diskMb: 256 });
    await shell(parent, "head -c 100M /dev/urandom > held");
    const said = small.events.all.length;
    await assert.rejects(small.runtime.fork(parent, 3, context), (error: Error & { code: string }) => {
      assert.equal(error.code, "DISK_FULL");
      return /the host's disk has no room/.test(error.message);
    });
    assert.equal(small.events.all.length, said, "nothing was made");
    assert.deepEqual(readdirSync(`${disk.path}/sandboxes`), [parent.id]);
    const [child] = await small.runtime.fork(parent, 1, context);
    assert.ok(child);
    assert.equal(await shell(child, "stat -c %s held"), "104857600\n");
    await endAll(parent, child);
  });
});
