import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import type { ProxyReport } from "./egress-messages.ts";
import { EgressProxy, type ProxyGuest } from "./egress-proxy.ts";
import { ProxyWorld } from "./testing/proxy-world.ts";

/** What stands in for a sandbox: ports of this machine's loopback, one for each time that the proxy is served. */
class Guest implements ProxyGuest {
  readonly options = { allow: ["127.0.0.1:*"] };
  readonly isTrusted = true;
  readonly reports: ProxyReport[] = [];
  port = 0;
  lost = (): void => void this.losses++;
  losses = 0;

  readonly open = async (): Promise<object> => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    this.port = (server.address() as { port: number }).port;
    return (server as unknown as { _handle: object })._handle;
  };

  hear(report: ProxyReport): void {
    this.reports.push(report);
  }

  async own(): Promise<undefined> {}
}

test("the proxy is a process of its own, without root and without the daemon's environment, and is there with the first guest", async () => {
  await using world = new ProxyWorld();
  process.env.SANDGLASS_TEST_SECRET = "canary-4711";
  const proxy = new EgressProxy();
  try {
    assert.equal(proxy.pid, undefined);
    const guest = new Guest();
    await proxy.attach("sbx_a", guest);
    const status = readFileSync(`/proc/${proxy.pid}/status`, "utf8");
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
    assert.match(status, /^Groups:\t *$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.doesNotMatch(readFileSync(`/proc/${proxy.pid}/environ`, "utf8"), /canary|SECRET/);
    const echo = await world.tcp((socket) => socket.pipe(socket));
    const client = world.client(guest.port);
    client.end(`CONNECT 127.0.0.1:${echo} HTTP/1.1\r\nHost: x\r\n\r\nhello`);
    assert.match(await text(client), /200 [\s\S]*\r\n\r\nhello$/);
  } finally {
    delete process.env.SANDGLASS_TEST_SECRET;
    await proxy.close();
  }
});

test("one that is killed is started again, serves the same guests by the same policies, and each is told what it lost", async (context) => {
  context.mock.method(process, "emitWarning", () => {});
  const proxy = new EgressProxy();
  try {
    await using world = new ProxyWorld();
    const guests = [new Guest(), new Guest()];
    for (const [index, guest] of guests.entries()) await proxy.attach(`sbx_${index}`, guest);
    const ports = guests.map(({ port }) => port);
    const { pid } = proxy;
    process.kill(pid as number, "SIGKILL");
    await until("others are served", () => guests.every(({ port }, index) => port !== ports[index]));
    assert.notEqual(proxy.pid, pid);
    assert.deepEqual(
      guests.map(({ losses }) => losses),
      [1, 1],
    );
    for (const { port } of guests) {
      const answer = await until("it answers", async () => {
        const said = await world.raw(port, "CONNECT 8.8.8.8:443 HTTP/1.1\r\nHost: x\r\n\r\n");
        return said.startsWith("HTTP") && said;
      });
      assert.match(answer, /^HTTP\/1\.1 403/);
    }
    await proxy.detach("sbx_0");
    assert.match(await world.raw(guests[0]?.port as number, "GET / HTTP/1.1\r\n\r\n"), /ECONNREFUSED/);
  } finally {
    await proxy.close();
  }
});
