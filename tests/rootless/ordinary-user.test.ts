import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { childPids, helperPid, until } from "@sandglass/testkit";
import type { Sandbox } from "sandglass";
import { collectorPid, findCollectorPid } from "../telemetry/collector-process.ts";
import { pidsOf, startUserDaemon, type UserDaemon } from "./user-daemon.ts";

const LIMITS = { memoryMb: 256, diskMb: 32, maxPids: 48 };

describe("a daemon that an ordinary user started, without control groups and with one id", () => {
  let world: UserDaemon;
  let sandbox: Sandbox;
  let server: Server;
  let at: string;
  before(async () => {
    server = createServer((_request, response) => response.end("reached"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.2", resolve));
    at = `127.0.0.2:${(server.address() as AddressInfo).port}`;
    world = await startUserDaemon();
    const network = { egress: { allow: [at] } };
    sandbox = await world.client.sandboxes.create({ template: "python", network, ...LIMITS });
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
    server.close();
  });

  test("says which limits are not enforced: in each sandbox's description and in doctor, with what would give them", async () => {
    const { unenforced } = await sandbox.info();
    assert.deepEqual(unenforced.map(({ limit }) => limit).toSorted(), ["memoryMb", "vcpu"]);
    for (const { reason } of unenforced) assert.match(reason, /Delegate=yes/);
    const { checks } = await world.client.doctor();
    const saying = (name: string) => checks.find((check) => check.name === name);
    assert.match(saying("privileges")?.detail ?? "", /uid 54321, not root: .*\/usr is read-only/);
    assert.match(saying("forks")?.detail ?? "", /cannot be forked.*the daemon is not root/);
    const { status, detail = "", hint = "" } = saying("promises") ?? {};
    assert.equal(status, "warn");
    for (const lost of [
      "no sandbox can be paused",
      "its process group along and nothing that left that",
      "cpuMs and maxRssBytes of an exec are of the whole sandbox",
      "which exec made a connection is not known",
      "all sandboxes together have a quarter",
      "agent is as likely to be ended",
    ])
      assert.ok(detail.includes(lost), `${lost}: ${detail}`);
    assert.match(hint, /Delegate=yes/);
    assert.equal(saying("users")?.status, "warn");
    assert.match(saying("users")?.hint ?? "", /usermod --add-subuids|apt-get install uidmap/);
    assert.match(saying("limit memoryMb")?.detail ?? "", /^not enforced: .*Delegate=yes/);
    assert.match(
      saying("isolation bubblewrap")?.detail ?? "",
      /a sandbox ran .* not enforced: memoryMb, vcpu/,
    );
    for (const name of ["isolation crun", "isolation gvisor"]) assert.equal(saying(name)?.status, "ok", name);
  });

  test("forks, compares and merges no sandboxes, and says what would", async () => {
    const other = await world.client.sandboxes.create({ template: "python", ...LIMITS });
    for (const asked of [sandbox.fork({ n: 2 }), sandbox.diff({ against: other }), sandbox.merge(other)]) {
      await assert.rejects(asked, (error: Error & { code: string; hint: string }) => {
        assert.match(error.hint, /run the daemon as root/);
        return error.code === "UNSUPPORTED_ON_HOST";
      });
    }
    assert.deepEqual([(await sandbox.info()).state, (await other.info()).state], ["running", "running"]);
    await other.terminate();
  });

  test("runs cells that remember, commands with what they need, and files", async () => {
    await sandbox.runCode("x = 41");
    assert.equal((await sandbox.runCode("x + 1")).result?.["text/plain"], "42");
    const ran = await sandbox.commands.run("cat; echo $A >&2; exit 3", { stdin: "in\n", env: { A: "b" } });
    assert.deepEqual([ran.stdout, ran.stderr, ran.exitCode, ran.cause], ["in\n", "b\n", 3, "exited"]);
    const bytes = Buffer.alloc(3_000_000, "sand");
    await sandbox.files.write("data/large", bytes);
    assert.deepEqual(Buffer.from(await sandbox.files.read("data/large")), bytes);
    await sandbox.files.remove("data", { recursive: true });
  });

  test("streams a long output whole", async () => {
    const { stdout, cause } = await sandbox.commands.run("seq 1 500000");
    assert.equal(cause, "exited");
    assert.equal(stdout.length, 3_388_895);
    assert.ok(stdout.endsWith("499999\n500000\n"));
  });

  test("shows nothing of its user, and /usr cannot be written", async () => {
    const { stdout } = await sandbox.commands.run("id -u; ls /home /root; touch /usr/x /etc/x /workspace/x");
    assert.equal(stdout, "0\n/home:\n\n/root:\n");
    const { stderr } = await sandbox.commands.run("echo > /usr/bin/python3");
    assert.match(stderr, /Read-only file system/);
    const caps = await sandbox.commands.run("grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/self/status");
    assert.equal(caps.stdout, "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  });

  test("holds processes, disk, time and output to their limits", async () => {
    const forks = await sandbox.runCode(
      "import os, signal\nchildren = []\ntry:\n  while True:\n    pid = os.fork()\n    if pid == 0: signal.pause()\n    children.append(pid)\nexcept BlockingIOError: pass\nfor pid in children: os.kill(pid, 9)\nfor pid in children: os.waitpid(pid, 0)\nlen(children)",
    );
    const count = Number(forks.result?.["text/plain"]);
    assert.ok(count > 10 && count < LIMITS.maxPids, `${count} processes`);
    const full = await sandbox.commands.run("dd if=/dev/zero of=/tmp/fill bs=64k");
    assert.equal(full.cause, "disk_full");
    await sandbox.commands.run("rm /tmp/fill");
    const late = await sandbox.commands.run("sleep 1000", { timeoutMs: 300 });
    assert.equal(late.cause, "timed_out");
    await using small = await world.client.sandboxes.create({
      template: "bash",
      maxOutputBytes: 1000,
      ...LIMITS,
    });
    assert.equal((await small.commands.run("yes")).cause, "output_limit");
  });

  test("refuses to pause with the way to get it, and the sandbox goes on", async () => {
    await assert.rejects(sandbox.pause(), { code: "UNSUPPORTED_ON_HOST", hint: /Delegate=yes/ });
    assert.equal((await sandbox.runCode("x")).result?.["text/plain"], "41");
    assert.equal((await sandbox.info()).state, "running");
  });

  test("takes telemetry from inside, and lets out what is allowed alone", async () => {
    const span = {
      traceId: "5b8efff798038103d269b633813fc60c",
      spanId: "eee19b7ec3c1b174",
      name: "inside",
      kind: 1,
      startTimeUnixNano: "1544712660000000000",
      endTimeUnixNano: "1544712661000000000",
    };
    await sandbox.files.write(
      "span.json",
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
    );
    const post =
      "curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H 'content-type: application/json' -d @span.json";
    const told = await sandbox.commands.run(`${post} http://127.0.0.1:4318/v1/traces`);
    assert.equal(told.stdout, "200");
    const { stdout } = await sandbox.commands.run(
      `curl -s http://${at}/; curl -s -o /dev/null -w ' %{http_code}' http://other.example/`,
    );
    assert.equal(stdout, "reached 403");
  });

  test("counts what it uses", async () => {
    const { cpuMs } = await execOf(sandbox, "python3 -c 'sum(range(10_000_000))'");
    assert.ok(cpuMs >= 10, `${cpuMs} ms`);
  });

  test("goes on when its helper is killed alone, and loses one sandbox when a minder is", async () => {
    const first = helperPid(world.daemon.pid) as number;
    const known = childPids(first);
    const other = await world.client.sandboxes.create({ template: "bash", ...LIMITS });
    const [minder] = childPids(first).filter((pid) => !known.includes(pid));
    process.kill(first, "SIGKILL");
    const late = await world.client.sandboxes.create({ template: "bash", ...LIMITS });
    assert.equal((await late.commands.run("echo late")).stdout, "late\n");
    assert.notEqual(helperPid(world.daemon.pid), first);
    assert.equal((await other.commands.run("echo other")).stdout, "other\n");
    assert.equal((await sandbox.runCode("x")).result?.["text/plain"], "41");

    // What listens in the sandbox for the host comes anew, from the minder that the first helper left.
    const ports = collectorPid(world.daemon.pid);
    process.kill(ports, "SIGKILL");
    const post =
      "curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H 'content-type: application/json' -d '{\"resourceSpans\":[]}' http://127.0.0.1:4318/v1/traces";
    await until("there is another collector", () => findCollectorPid(world.daemon.pid));
    await until("it takes what comes", async () => (await sandbox.commands.run(post)).stdout === "200");
    assert.equal((await sandbox.commands.run(`curl -s http://${at}/`)).stdout, "reached");

    process.kill(minder as number, "SIGKILL");
    await until("it has ended", async () => (await other.info()).state === "terminated");
    const ends: { cause: string; reason?: string }[] = [];
    for await (const { event } of eventsOf(other.id))
      if (event.type === "sandbox.terminated") ends.push(event.data);
    assert.deepEqual(
      ends.map(({ cause, reason }) => [cause, reason]),
      [["driver_error", "the sandbox's minder, its parent process on the host, went away"]],
    );
    for (const each of [sandbox, late]) assert.equal((await each.commands.run("echo in")).stdout, "in\n");
    await late.terminate();
  });

  async function execOf(of: Sandbox, command: string): Promise<{ cpuMs: number }> {
    const { execId } = await of.commands.run(command);
    for await (const { event } of eventsOf(of.id))
      if (event.type === "exec.completed" && event.data.execId === execId) return event.data;
    throw new Error("it has no ending");
  }

  async function* eventsOf(sandboxId: string) {
    for await (const line of world.client.events({ sandboxId, follow: false })) yield { event: line };
  }
});

test("killed with SIGKILL the daemon leaves no process, and the next one says how it ended", async () => {
  const user = { uid: 54_322, gid: 54_322 };
  const first = await startUserDaemon({ user });
  const sandbox = await first.client.sandboxes.create({ template: "bash", ...LIMITS });
  await sandbox.commands.run("setsid sleep 1000 >/dev/null 2>&1 &");
  assert.ok(pidsOf(user.uid).length > 3);
  await first.daemon.kill();
  await until("every process of the user is gone", () => pidsOf(user.uid).length === 0);
  await using second = await startUserDaemon({ user, dataDir: first.daemon.dataDir });
  const causes: string[] = [];
  for await (const event of second.client.events({ sandboxId: sandbox.id, types: ["sandbox.terminated"] }))
    if (event.type === "sandbox.terminated") causes.push(event.data.cause);
  assert.deepEqual(causes, ["host_crash"]);
  const again = await second.client.sandboxes.create({ template: "bash", ...LIMITS });
  assert.equal((await again.commands.run("echo again")).stdout, "again\n");
  await first.daemon.stop();
});

test("where user namespaces are forbidden it does not start, and says which setting allows them", async () => {
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  // In a user namespace of its own, whose setting concerns nobody else.
  const within = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", script, "sh"];
  const user = { uid: 54_323, gid: 54_323 };
  await assert.rejects(startUserDaemon({ user, within }), (error: Error) => {
    assert.match(error.message, /does not let it have a user namespace/);
    assert.match(error.message, /sysctl user\.max_user_namespaces=/);
    return true;
  });
});
