import { lookup } from "node:dns/promises";
import { formatIpAddress, parseIpAddress } from "@sandglass/protocol";
import {
  addressRefusal,
  type DenialReason,
  type EgressPolicy,
  type EgressTarget,
  refusalOf,
} from "./egress-policy.ts";
import { isHostAddress } from "./host-addresses.ts";
import type { UpstreamProxy } from "./upstream-proxy.ts";

/** What a target comes to: addresses that may be connected to, a reason why not, or why it could not be found out. */
export type Resolution = { addresses: string[] } | { refusal: DenialReason } | { error: string };

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<string[]>;

/** As every program of the host resolves names, its hosts file included. */
export const resolveByHost: Resolve = async (name) => {
  // With the dot a search list of the host's is not tried: the name is the one that was checked.
  const found = await lookup(`${name}.`, { all: true, order: "ipv4first" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTFOUND" || name.includes(".")) throw error;
      return lookup(name, { all: true, order: "ipv4first" });
    },
  );
  return found.map(({ address }) => address);
};

/**
 * Decides on a target. A name is resolved once, and what is connected to is an address that was checked here; a name of which one address
 * may not be reached is refused as a whole, for nobody who means well has such.
 */
export async function resolveTarget(
  policy: EgressPolicy,
  target: EgressTarget,
  resolve: Resolve = resolveByHost,
): Promise<Resolution> {
  const refusal = refusalOf(policy, target);
  if (refusal !== undefined) return { refusal };
  let texts: string[];
  try {
    const { host } = target;
    texts = host.kind === "address" ? [formatIpAddress(host.address)] : await resolve(host.name);
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code ?? "EAI_FAIL" };
  }
  const addresses = texts.map(parseIpAddress);
  if (addresses.length === 0) return { error: "ENOTFOUND" };
  for (const address of addresses) {
    // A zone makes it link-local, and no address to us.
    if (address === undefined) return { refusal: "not_public" };
    const refused = addressRefusal(policy, target, address, isHostAddress(address));
    if (refused !== undefined) return { refusal: refused };
  }
  return { addresses: texts };
}

/**
 * Decides on a target behind a proxy of the host's network. A name is decided on as such: where it leads only that proxy knows, and it
 * has to refuse what is not to be reached from there. What means its own machine to every resolver is refused here.
 */
export function resolveUpstream(
  policy: EgressPolicy,
  target: EgressTarget,
  upstream: UpstreamProxy,
): Resolution {
  const { host } = target;
  const refusal =
    refusalOf(policy, target) ??
    (host.kind === "address"
      ? addressRefusal(policy, target, host.address, isHostAddress(host.address))
      : LOCAL.test(host.name)
        ? "not_public"
        : undefined);
  return refusal === undefined ? { addresses: [upstream.host] } : { refusal };
}

/** RFC 6761, section 6.3, and what hosts files call the same. */
const LOCAL = /(?:^|\.)(?:localhost|localdomain|localhost[46]|ip6-localhost|ip6-loopback)$/;
