import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxTenant } from "./sandbox-tenant.ts";

/** How often it is looked whether a sandbox that is gone has anything left to say. */
const LOOK_EVERY_MS = 1;
/** Looks without anything new until it is believed to be all: what it had sent has been accepted by then. */
const QUIET_LOOKS = 2;
/** Longest that the last of it is waited for. */
const LINGER_MS = 3_000;

/** Serves one connection of a tenant, whatever it sends. */
export type ServeConnection = (socket: Socket, tenant: SandboxTenant) => void;

/** The sockets on which one sandbox is listened to. */
export class SandboxGate {
  readonly tenant: SandboxTenant;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #accepted = 0;

  constructor(tenant: SandboxTenant) {
    this.tenant = tenant;
  }

  /** @param handle a listening socket of the sandbox's own network */
  async listen(handle: object, serve: ServeConnection): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#accepted += 1;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      serve(socket, this.tenant);
    });
    this.#servers.push(server);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(handle, resolve);
    await promise;
  }

  /**
   * The sandbox's processes are gone: resolves when everything that they had sent was read and answered, as far as an answer is
   * still of use, and the sockets are closed. The kernel has closed their ends, so that nothing of it waits for anybody.
   */
  async close(): Promise<void> {
    const endsAt = performance.now() + LINGER_MS;
    let accepted = -1;
    for (let quiet = 0; quiet < QUIET_LOOKS && performance.now() < endsAt; ) {
      await delay(LOOK_EVERY_MS);
      const isQuiet = this.#sockets.size === 0 && this.#accepted === accepted;
      quiet = isQuiet ? quiet + 1 : 0;
      accepted = this.#accepted;
    }
    this.destroy();
  }

  /** At once, whatever is under way. */
  destroy(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
