import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "@sandglass/testkit";
import { NotYet } from "./handed-sockets.ts";
import { Helper } from "./helper.ts";
import { compileSeccomp } from "./seccomp.ts";

const PORT = 28_431;

/** What the helper makes, with a program of the test's own in bubblewrap's place. */
describe("the helper, asked to listen", () => {
  let dir: string;
  let agents: Server;
  const connected: Socket[] = [];
  let helper: Helper;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-"));
    await chmod(dir, 0o711);
    for (const name of ["root", "skeleton", "skeleton/usr"]) await mkdir(join(dir, name), { mode: 0o755 });
    await writeFile(join(dir, "seccomp.bpf"), compileSeccomp());
    agents = createServer((socket) => connected.push(socket.resume()));
    await once(agents.listen(join(dir, "agents.sock")), "listening");
    helper = await Helper.start();
  });
  after(async () => {
    agents.close();
    for (const socket of connected) socket.destroy();
    await helper.close();
    await rm(dir, { recursive: true });
  });

  async function start(id: string, script: string): Promise<{ gone: Promise<void> }> {
    const gone = Promise.withResolvers<void>();
    await mkdir(join(dir, id));
    const create = {
      id,
      mountPoint: join(dir, "root"),
      image: "",
      disk: join(dir, id),
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
    await helper.create(create, () => gone.resolve());
    return { gone: gone.promise };
  }

  test("refuses where the process inside has the host's own network, and the host is not listened on", async () => {
    const { gone } = await start("shared", "cat <&3 & wait");
    // Its shell may still be about to start the child, which ends with its socket to the agents' server.
    const refusal = await until("it has a child", async () => {
      const error = await helper.listen("shared", [PORT]).then(
        () => assert.fail("it listens"),
        (why: Error) => why,
      );
      return error instanceof NotYet ? undefined : error;
    });
    assert.match(refusal.message, /check the sandbox's network namespace: Operation not permitted/);
    const socket = connect(PORT, "127.0.0.1");
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNREFUSED");
    helper.kill("shared");
    await gone;
  });

  test("says that it is too early while there is no process inside, and that there is none when it has ended", async () => {
    const { gone } = await start("empty", "exec sleep 1000");
    await assert.rejects(helper.listen("empty", [PORT]), NotYet);
    helper.kill("empty");
    await gone;
    await assert.rejects(helper.listen("empty", [PORT]), {
      code: "DRIVER_ERROR",
      message: /No such process/,
    });
    await assert.rejects(helper.listen("never", [PORT]), { code: "DRIVER_ERROR" });
  });

  test("has no sockets for no ports", async () => {
    assert.deepEqual(await helper.listen("never", []), []);
  });

  test("answers nothing any more once it has gone", async () => {
    const other = await Helper.start();
    process.kill(other.pid, "SIGKILL");
    await assert.rejects(other.listen("any", [PORT]), { code: "DRIVER_ERROR" });
    await other.close();
  });
});
