import { formatIpAddress, meantAddress, parseIpAddress } from "./ip-address.ts";

const GROUPS_OF_A_NETWORK = [112n, 96n, 80n, 64n];

/**
 * Whom an address is counted as: one subscriber has a whole /64 of IPv6, and would have a limit for each address of it.
 *
 * @param address as a socket names it; an IPv4 one that IPv6 holds (`::ffff:192.0.2.1`) counts as itself, a zone (`%eth0`) does not count
 * @returns the first four groups of an IPv6 address, an IPv4 address, and whatever is neither, as they are
 */
export function networkOf(address: string): string {
  const [bare = ""] = address.split("%");
  const parsed = parseIpAddress(bare);
  if (parsed === undefined) return address;
  const { family, value } = meantAddress(parsed);
  if (family === 4) return formatIpAddress({ family, value });
  return GROUPS_OF_A_NETWORK.map((shift) => ((value >> shift) & 0xffffn).toString(16)).join(":");
}
