import type { Socket } from "node:net";
import { networkOf } from "@sandglass/protocol";
import type { SandglassConfig } from "../config.ts";
import { type ClientAddresses, plainAddress } from "./client-address.ts";

/** Connections over the limit that are still told so; what is over that too is closed without a word. */
const MAX_TOLD = 64;
/** How long one that is told may stay. */
const TOLD_MS = 2_000;
/** Requests that a client may send on one connection before the first is answered. None of ours sends two. */
const MAX_PIPELINED = 64;

type Limits = Pick<SandglassConfig["limits"], "connections" | "connectionsPerAddress">;

/** How many connections there are, of whom, and what is under way on each. */
export class ConnectionLimits {
  readonly #limits: Limits;
  readonly #addresses: Pick<ClientAddresses, "isProxy">;
  /** By network: of IPv6 a /64 is one address. */
  readonly #ofAddress = new Map<string, number>();
  readonly #refused = new WeakMap<Socket, string>();
  readonly #requests = new WeakMap<Socket, number>();
  #open = 0;
  #told = 0;

  constructor(limits: Limits, addresses: Pick<ClientAddresses, "isProxy">) {
    this.#limits = limits;
    this.#addresses = addresses;
  }

  /** Counts a new connection until it closes. One too many is remembered as refused, or destroyed. */
  take(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress ?? "");
    const address = networkOf(peer);
    const reason = this.#reasonAgainst(peer, address);
    if (reason !== undefined) return this.#refuse(socket, reason);
    this.#open++;
    this.#ofAddress.set(address, (this.#ofAddress.get(address) ?? 0) + 1);
    socket.once("close", () => {
      this.#open--;
      const left = (this.#ofAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#ofAddress.delete(address);
      else this.#ofAddress.set(address, left);
    });
  }

  /** Why what comes over the connection is refused. */
  refusalOf(socket: Socket): string | undefined {
    return this.#refused.get(rawSocketOf(socket));
  }

  /**
   * Counts a request of a connection until it is over.
   *
   * @returns false where too many came before one was answered; the connection is destroyed
   */
  begin(socket: Socket, onOver: (over: () => void) => void): boolean {
    const count = (this.#requests.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) {
      socket.destroy();
      return false;
    }
    this.#requests.set(socket, count);
    onOver(() => this.#requests.set(socket, (this.#requests.get(socket) ?? 1) - 1));
    return true;
  }

  /** Whether a request is under way on it. */
  isBusy(socket: Socket): boolean {
    return (this.#requests.get(socket) ?? 0) > 0;
  }

  #reasonAgainst(peer: string, address: string): string | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#open >= connections)
      return `${connections} connections are open already; the limit is the option limits.connections`;
    if ((this.#ofAddress.get(address) ?? 0) < connectionsPerAddress || this.#addresses.isProxy(peer))
      return undefined;
    return `${connectionsPerAddress} connections of this address are open already; the limit is the option limits.connectionsPerAddress`;
  }

  #refuse(socket: Socket, reason: string): void {
    if (this.#told >= MAX_TOLD) {
      socket.destroy();
      return;
    }
    this.#told++;
    this.#refused.set(socket, reason);
    const timer = setTimeout(() => socket.destroy(), TOLD_MS);
    socket.once("close", () => {
      this.#told--;
      clearTimeout(timer);
    });
  }
}

/** Of a TLS connection, the one below it, which was there when it was counted. */
function rawSocketOf(socket: Socket): Socket {
  return (socket as Socket & { _parent?: Socket | null })._parent ?? socket;
}
