import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { livingPids, minderPid } from "@sandglass/testkit";
import type { SocketHandle } from "../collector.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { DriverSandbox, SandboxDriver } from "./driver.ts";
import { startDriver } from "./start-driver.ts";

/** More sockets than the kernel takes for a reader that does not come. */
const REQUESTS = 80;
const PORTS_EACH = 8;
const FIRST_PORT = 20_000;
const GIVE_UP_MS = 20_000;

describe("a daemon whose event loop is held up", () => {
  let dataDir: string;
  let driver: SandboxDriver;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "sg-"));
    driver = await startDriver("bubblewrap", { dataDir, mountPoints: [] });
  });
  after(async () => {
    await driver.close();
    await rm(dataDir, { recursive: true });
  });

  async function create(): Promise<{ id: string; sandbox: DriverSandbox }> {
    const id = newSandboxId();
    const sandbox = await driver.create({ id, limits: { ...DEFAULT_LIMITS, diskMb: 32 }, mounts: [] });
    const [ready] = await sandbox.listen([9]); // its network is there
    (ready as { close(): void }).close();
    return { id, sandbox };
  }

  test("holds a minder up in nothing, and gets every socket when it reads again", async () => {
    const [one, two] = await Promise.all([create(), create()]);
    const minder = minderPid(one.id);
    const requests = Array.from({ length: REQUESTS }, (_, at) => {
      const ports = Array.from({ length: PORTS_EACH }, (_, port) => FIRST_PORT + at * PORTS_EACH + port);
      return { ports, taken: one.sandbox.listen(ports) };
    });
    // From here the loop stands still: what is waited for is looked for, again and again.
    waitFor("the channel is full, and the minder keeps what does not go in", () => socketsOf(minder) > 20);
    const killed = two.sandbox.kill();
    waitFor("a sandbox is ended meanwhile", () => livingPids(two.id).length === 0);
    assert.ok(socketsOf(minder) > 20, "the channel was full all the while");
    // And from here it goes on.
    await killed;
    for (const { ports, taken } of requests) {
      const sockets = await taken;
      assert.deepEqual(await Promise.all(sockets.map(portOf)), ports);
    }
    assert.ok(socketsOf(minder) < 10, "the minder kept some");
    await Promise.all([end(one.sandbox), end(two.sandbox)]);
  });

  test("is refused more than eight sockets at once, and what is no port, and nothing is left of either", async () => {
    const { sandbox } = await create();
    const ports = Array.from({ length: PORTS_EACH }, (_, at) => FIRST_PORT + at);
    await assert.rejects(sandbox.listen([...ports, 30_000]), { code: "DRIVER_ERROR" });
    await assert.rejects(sandbox.listen([70_000]), { code: "DRIVER_ERROR" });
    for (const socket of await sandbox.listen(ports)) (socket as { close(): void }).close();
    await end(sandbox);
  });
});

async function end(sandbox: DriverSandbox): Promise<void> {
  await sandbox.kill();
  sandbox.socket.destroy();
  await sandbox.release();
}

/** Without giving the event loop a turn. */
function waitFor(what: string, isSo: () => boolean): void {
  const deadline = performance.now() + GIVE_UP_MS;
  while (!isSo()) if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false; // closed while one looks
  }
}

async function portOf(socket: SocketHandle): Promise<number> {
  const server = createServer();
  await once(server.listen(socket), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
