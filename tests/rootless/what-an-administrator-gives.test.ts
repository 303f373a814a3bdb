import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import {
  ACCOUNT,
  givenGroup,
  pidsOf,
  STRANGER,
  SUBORDINATE,
  startUserDaemon,
  type UserDaemon,
  withSubordinateIds,
} from "./user-daemon.ts";

const LIMITS = { template: "bash", memoryMb: 256, diskMb: 16 };

test("with subordinate ids each sandbox is a user of its own to the host, also where another daemon has the same ids", async () => {
  const { through, remove } = await withSubordinateIds();
  try {
    await using world = await startUserDaemon({ user: ACCOUNT, through });
    const { checks } = await world.client.doctor();
    assert.deepEqual(
      checks.find(({ name }) => name === "users"),
      { name: "users", status: "ok", detail: `each sandbox is a user of its own, of ${SUBORDINATE.count}` },
    );
    const promises = checks.find(({ name }) => name === "promises")?.detail ?? "";
    assert.match(promises, /which exec made a connection is not known; a sandbox has a quarter/);
    const before = usersOfTheBlock();
    const one = await world.client.sandboxes.create(LIMITS);
    const others = (known: Set<number>) => [...usersOfTheBlock()].filter((uid) => !known.has(uid));
    const [first] = others(before);
    await using other = await startUserDaemon({ user: ACCOUNT, through });
    const two = await other.client.sandboxes.create(LIMITS);
    const [second] = others(usersWith(before, first));
    assert.ok(first !== undefined && second !== undefined && first !== second, `${first} and ${second}`);
    for (const sandbox of [one, two]) {
      const ran = await sandbox.commands.run(
        "echo mine > /etc/mine && cat /etc/mine && stat -c %u /etc/mine",
      );
      assert.equal(ran.stdout, "mine\n0\n");
    }
    // What a process of another user has open the daemon cannot see.
    assert.deepEqual((await reached(world)).execs, [undefined, undefined]);
  } finally {
    await remove();
  }
});

test("with a control group of its own it can pause, and ends what left an exec's process group", async () => {
  const user = { uid: STRANGER.uid + 10, gid: STRANGER.gid + 10 };
  const group = givenGroup("sg-given", user);
  try {
    await using world = await startUserDaemon({ user, through: group.through });
    const { checks } = await world.client.doctor();
    const promises = checks.find(({ name }) => name === "promises")?.detail ?? "";
    assert.match(promises, /^not kept here: .*as likely to be ended as what it runs$/);
    assert.doesNotMatch(promises, /paused|process group|connection/);
    const sandbox = await world.client.sandboxes.create(LIMITS);
    assert.equal((await sandbox.pause()).state, "paused");
    assert.equal((await sandbox.resume()).state, "running");
    const late = await sandbox.commands.run("setsid sleep 4321 & sleep 1000", { timeoutMs: 500 });
    assert.equal(late.cause, "timed_out");
    const isAsleep = (pid: number) => commandOf(pid).includes("4321");
    await until("what left its group is gone too", () => !pidsOf(user.uid).some(isAsleep));
    assert.ok(groupsNamed(group.dir, sandbox.id).length > 0);
    const { execs, own } = await reached(world);
    assert.deepEqual(execs, own);
    await sandbox.terminate();
    await until("its group is gone", () => groupsNamed(group.dir, sandbox.id).length === 0);
  } finally {
    await group.remove();
  }
});

/** The execs that something allowed and something denied were told of with, and those that asked for them. */
async function reached(world: UserDaemon): Promise<{ execs: (string | undefined)[]; own: string[] }> {
  const server = createServer((_request, response) => response.end("reached"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.2", resolve));
  try {
    const at = `127.0.0.2:${(server.address() as AddressInfo).port}`;
    const sandbox = await world.client.sandboxes.create({ ...LIMITS, network: { egress: { allow: [at] } } });
    const allowed = await sandbox.commands.run(`curl -sS http://${at}/`);
    assert.equal(allowed.stdout, "reached", allowed.stderr);
    const denied = await sandbox.commands.run("curl -sS https://other.example/");
    assert.match(denied.stderr, /403/);
    await sandbox.terminate();
    const execs: (string | undefined)[] = [];
    const types = ["network.egress", "network.denied"];
    for await (const event of world.client.events({ sandboxId: sandbox.id, types }))
      if (event.type === "network.egress" || event.type === "network.denied") execs.push(event.data.execId);
    return { execs, own: [allowed.execId, denied.execId] };
  } finally {
    server.close();
  }
}

function usersOfTheBlock(): Set<number> {
  const uids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}`))
    .map((name) => Number(/^Uid:\s+(\d+)/m.exec(readIfThere(`/proc/${name}/status`))?.[1]));
  return new Set(
    uids.filter((uid) => uid >= SUBORDINATE.first && uid < SUBORDINATE.first + SUBORDINATE.count),
  );
}

function usersWith(uids: Set<number>, more: number | undefined): Set<number> {
  return new Set([...uids, ...(more === undefined ? [] : [more])]);
}

function groupsNamed(dir: string, name: string): string[] {
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => path.endsWith(name)).map((path) => join(dir, path));
}

function commandOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has gone
  }
}
