import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { networksOf } from "../config/network-schema.ts";

/** More hops than any request of ours takes. */
const MAX_HOPS = 32;

/** Where requests come from, as far as that can be believed. */
export interface ClientAddresses {
  /**
   * The address that a request came from: the connection's peer; behind trusted proxies the nearest of `X-Forwarded-For` that is
   * none of them. What a client wrote there itself stands farther away and is never reached.
   */
  of(request: Pick<IncomingMessage, "socket" | "headers">): string;
  /** Whether the peer of a connection is a trusted proxy. */
  isProxy(peer: string | undefined): boolean;
}

/** @param trustedProxies addresses and networks, as the option has them */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const trusted = networksOf(trustedProxies);
  const isTrusted = (address: string): boolean =>
    trustedProxies.length > 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return {
    of({ socket, headers }) {
      let address = plainAddress(socket.remoteAddress ?? "");
      const forwarded = headers["x-forwarded-for"];
      if (typeof forwarded !== "string" || !isTrusted(address)) return address;
      for (const hop of forwarded.split(",").slice(-MAX_HOPS).reverse()) {
        const next = plainAddress(hop.trim());
        // A proxy that does not know writes "unknown": whoever it is came through that proxy.
        if (isIP(next) === 0) return address;
        address = next;
        if (!isTrusted(address)) return address;
      }
      return address;
    },
    isProxy: (peer) => peer !== undefined && isTrusted(plainAddress(peer)),
  };
}

/** An IPv4 address as such also where it is written as IPv6, without brackets and without a port. */
export function plainAddress(text: string): string {
  const bare = text.startsWith("[") ? text.slice(1, text.indexOf("]")) : text;
  const [address = ""] = bare.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1];
  return withPort ?? address;
}
