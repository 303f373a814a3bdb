import type { Socket } from "node:net";
import { networkOf } from "@sandglass/protocol";
import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import type { Tenant, Transport } from "../otlp/receiver/tenant.ts";

/** Connections of one address (of IPv6 a /64) that have not shown a key yet. All programs of this machine have one address. */
const MAX_STRANGERS_PER_ADDRESS = 128;
/** The same of all addresses, so that there is room for those that have. */
const MAX_STRANGERS = 512;

/**
 * The connections to the ports that anybody can reach: bounded by where they come from until they have shown a key, and by whose it
 * is from then on.
 */
export class ClientConnections {
  readonly #intake: Pick<RequestIntake, "connect">;
  readonly #byAddress = new Map<string, number>();
  /** Whose connections they are counted as. One may send with several keys. */
  readonly #owners = new WeakMap<Socket, Set<string>>();
  /** Ends being a stranger's. */
  readonly #strangers = new Map<Socket, () => void>();

  constructor(intake: Pick<RequestIntake, "connect">) {
    this.#intake = intake;
  }

  /** Takes a new one up, or destroys it. @returns whether it was taken */
  take(socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? "");
    const count = this.#byAddress.get(address) ?? 0;
    if (count >= MAX_STRANGERS_PER_ADDRESS || this.#strangers.size >= MAX_STRANGERS) {
      socket.on("error", () => {}).destroy();
      return false;
    }
    this.#byAddress.set(address, count + 1);
    const end = (): void => {
      if (!this.#strangers.delete(socket)) return;
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    };
    this.#strangers.set(socket, end);
    socket.once("close", end);
    return true;
  }

  /** A key of the tenant was shown on it. @returns false where the tenant may have no more connections */
  admit(connection: Socket, tenant: Tenant, transport: Transport): boolean {
    const socket = rawSocketOf(connection);
    if (connection.destroyed || socket.destroyed) return false;
    const owners = this.#owners.get(socket) ?? new Set();
    if (owners.has(tenant.id)) return true;
    const release = this.#intake.connect(tenant, transport);
    if (release === undefined) return false;
    socket.once("close", release);
    this.#owners.set(socket, owners.add(tenant.id));
    this.#strangers.get(socket)?.();
    return true;
  }
}

/** Of a TLS connection, the one below it, which was there when it was counted. */
function rawSocketOf(socket: Socket): Socket {
  return (socket as Socket & { _parent?: Socket | null })._parent ?? socket;
}
