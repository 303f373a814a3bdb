import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { childPids, parentPid, until } from "@sandglass/testkit";
import { NotYet } from "../host/handed-sockets.ts";
import { Helper } from "../host/helper.ts";
import { MINDER_LOST, type Minder, type MinderCreate } from "../host/minder.ts";
import { compileSeccomp } from "../host/seccomp.ts";
import { AgentListener } from "./agent-listener.ts";
import { Minders } from "./minders.ts";

const PORT = 28_431;

/** What minders make, with a program of the test's own in bubblewrap's place. */
describe("a minder", () => {
  let dir: string;
  let agents: Server;
  const connected: Socket[] = [];
  let listener: AgentListener;
  let helper: Helper;
  let minders: Minders;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-"));
    await chmod(dir, 0o711);
    for (const name of ["root", "skeleton", "skeleton/usr"]) await mkdir(join(dir, name), { mode: 0o755 });
    await writeFile(join(dir, "seccomp.bpf"), compileSeccomp());
    agents = createServer((socket) => connected.push(socket.resume()));
    await once(agents.listen(join(dir, "agents.sock")), "listening");
    listener = await AgentListener.start(join(dir, "minders.sock"));
    helper = await Helper.start();
    minders = new Minders(listener, helper, undefined);
  });
  after(async () => {
    agents.close();
    for (const socket of connected) socket.destroy();
    await minders.close();
    await listener.close();
    await rm(dir, { recursive: true });
  });

  async function start(name: string, script: string): Promise<{ minder: Minder; pid: number }> {
    await mkdir(join(dir, name));
    const minder = await minders.take();
    return { minder, pid: await minder.create(spec(name, script)) };
  }

  function spec(name: string, script: string): MinderCreate {
    return {
      mountPoint: join(dir, "root"),
      image: "",
      disk: join(dir, name),
      skeleton: join(dir, "skeleton"),
      usr: "/usr",
      uid: 300_000,
      idmap: false,
      socket: join(dir, "agents.sock"),
      hello: "hello",
      file: join(dir, "seccomp.bpf"),
      oomScore: 0,
      log: join(dir, "log"),
      cgroups: [],
      argv: ["/bin/sh", "-c", script],
    };
  }

  test("refuses to listen where the process inside has the host's own network, and the host is not listened on", async () => {
    const { minder } = await start("shared", "cat <&3 & wait");
    // Its shell may still be about to start the child, which ends with its socket to the agents' server.
    const refusal = await until("it has a child", async () => {
      const error = await minder.listen([PORT]).then(
        () => assert.fail("it listens"),
        (why: Error) => why,
      );
      return error instanceof NotYet ? undefined : error;
    });
    assert.match(refusal.message, /check the sandbox's network namespace: Operation not permitted/);
    const socket = connect(PORT, "127.0.0.1");
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNREFUSED");
    await minder.end();
  });

  test("says that it is too early to listen while there is no process inside, and that there is none when it has ended", async () => {
    const { minder, pid } = await start("empty", "exec sleep 1000");
    await assert.rejects(minder.listen([PORT]), NotYet);
    await minder.end();
    assert.equal(existsSync(`/proc/${pid}`), false);
    assert.equal(minder.isLost, false);
    await assert.rejects(minder.listen([PORT]), { code: "DRIVER_ERROR", message: /has ended/ });
    const idle = await minders.take();
    await assert.rejects(idle.listen([PORT]), { code: "DRIVER_ERROR", message: /No such process/ });
    assert.deepEqual(await idle.listen([]), []);
    await idle.end();
  });

  test("leaves by itself when its sandbox has ended, and takes what that left with it", async () => {
    const { minder, pid } = await start("short", "sleep 1000 & sleep 1000 & wait");
    await until("it has two children", () => childPids(pid).length === 2);
    const left = [pid, ...childPids(pid)];
    process.kill(pid, "SIGKILL");
    await minder.ended;
    assert.deepEqual(
      left.filter((each) => existsSync(`/proc/${each}`)),
      [],
    );
    assert.equal(minder.isLost, false);
  });

  test("killed alone takes its sandbox with it and no other, and what it was asked is answered", async () => {
    const [one, other] = await Promise.all([
      start("one", "exec sleep 1000"),
      start("other", "exec sleep 1000"),
    ]);
    process.kill(parentPid(one.pid), "SIGKILL");
    await one.minder.ended;
    assert.equal(one.minder.isLost, true);
    await assert.rejects(one.minder.listen([PORT]), { code: "DRIVER_ERROR" });
    await until("its sandbox is gone", () => !existsSync(`/proc/${one.pid}`));
    await assert.rejects(other.minder.listen([PORT]), NotYet);
    await other.minder.end();
  });

  test("stopped, it is killed when it does not end its sandbox, which goes with it", async () => {
    const { minder, pid } = await start("still", "exec sleep 1000");
    process.kill(parentPid(pid), "SIGSTOP");
    const idle = await minders.take();
    const idlePid = childPids(helper.pid).at(-1) as number;
    process.kill(idlePid, "SIGSTOP");
    await Promise.all([minder.end(), idle.end()]);
    await until("its sandbox is gone", () => !existsSync(`/proc/${pid}`));
    process.kill(idlePid, "SIGCONT");
    await until("what had no sandbox leaves when it goes on", () => !existsSync(`/proc/${idlePid}`));
  });

  test("killed while its sandbox is made: that fails, and says why", async () => {
    const minder = await minders.take();
    const pid = childPids(helper.pid).at(-1) as number;
    process.kill(pid, "SIGSTOP");
    const create = minder.create(spec("stopped", "exec sleep 1000"));
    process.kill(pid, "SIGKILL");
    await assert.rejects(create, { code: "DRIVER_ERROR", message: MINDER_LOST });
  });

  test("outlives its helper, still listens, and the next sandbox has a minder of the next helper", async (t) => {
    const warned = t.mock.method(process, "emitWarning", () => {});
    const { minder, pid } = await start(
      "outlives",
      "unshare --map-root-user --net sh -c 'ip link set lo up; exec sleep 1000' & wait",
    );
    const next = Promise.all([minders.take(), minders.take()]);
    process.kill(helper.pid, "SIGKILL");
    const late = await minders.take();
    const all = [...(await next), late];
    assert.match(String(warned.mock.calls[0]?.arguments[0]), /the native helper \(process \d+\) went away/);
    for (const each of all) await assert.rejects(each.listen([PORT]), /No such process/);
    assert.equal(existsSync(`/proc/${pid}`), true);
    const [socket] = await until("it has a network", () =>
      minder.listen([PORT]).catch((error: Error) => {
        if (!(error instanceof NotYet)) throw error;
        return undefined;
      }),
    );
    (socket as { close(): void }).close();
    await Promise.all(all.map((each) => each.end()));
    await minder.end();
    assert.equal(existsSync(`/proc/${pid}`), false);
  });
});
