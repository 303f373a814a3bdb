import dns from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** A destination that is not on the public internet, asked for by someone who may only send there. */
export class AddressNotPublicError extends Error {
  override readonly name = "AddressNotPublicError";
  readonly code = "ERR_ADDRESS_NOT_PUBLIC";

  constructor(host: string) {
    super(`${host} is or leads to a private, loopback, link-local or otherwise reserved address`);
  }
}

// IANA's special-purpose registry (RFC 6890 and its updates), multicast, and what clouds keep at a public-looking address.
const RESERVED_IPV4 = new BlockList();
for (const range of [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  // Azure's host services.
  "168.63.129.16/32",
  // Link-local, and with it the metadata of most clouds.
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
])
  add(RESERVED_IPV4, range, "ipv4");

// Of IPv6 only global unicast is public, and of that not what is reserved or holds an IPv4 address that nobody checked.
const GLOBAL_IPV6 = new BlockList();
add(GLOBAL_IPV6, "2000::/3", "ipv6");
const RESERVED_IPV6 = new BlockList();
// Protocol assignments with Teredo; documentation; 6to4; documentation.
for (const range of ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"])
  add(RESERVED_IPV6, range, "ipv6");

// Their last 32 bits are the IPv4 address that is meant: IPv4-mapped, and NAT64's (RFC 6052), which a DNS64 resolver makes up
// for every IPv4 destination.
const HOLDS_IPV4 = new BlockList();
add(HOLDS_IPV4, "64:ff9b::/96", "ipv6");

/** Whether an IP address, without brackets, is one of the public internet. False for a text that is no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !RESERVED_IPV4.check(address, "ipv4");
  if (family !== 6) return false;
  // A zone (`%eth0`) makes it link-local, whatever its bits say.
  if (address.includes("%")) return false;
  const inside = ipv4Inside(address);
  if (inside !== undefined) return !RESERVED_IPV4.check(inside, "ipv4");
  return GLOBAL_IPV6.check(address, "ipv6") && !RESERVED_IPV6.check(address, "ipv6");
}

/** Whether a URL's host says by itself, before any DNS, that it is not public: `localhost`, `10.0.0.1`, `[::1]`. */
export function isNonPublicHost(hostname: string): boolean {
  const host = bareHost(hostname);
  if (isIP(host) !== 0) return !isPublicAddress(host);
  return host === "localhost" || host.endsWith(".localhost");
}

/**
 * As `dns.lookup`, but a name that leads to any address that is not public is refused. To be given to `net.connect`: the address
 * that is checked is then the one that is connected to, and a name that changes its mind in between (DNS rebinding) gains nothing.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const isRefused = addresses.length === 0 || addresses.some(({ address }) => !isPublicAddress(address));
    // Which address it is would tell a stranger about the network inside.
    if (isRefused) return callback(new AddressNotPublicError(hostname), []);
    if (options.all) return callback(null, addresses);
    const { address, family } = addresses[0]!;
    callback(null, address, family);
  });
};

/** A URL's host without the brackets of IPv6 and the dot of a full name, in lower case. */
export function bareHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

function ipv4Inside(address: string): string | undefined {
  const [first, second] = hexGroups(address);
  if (first === undefined || second === undefined) return undefined;
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join(".");
}

/** The last two groups of an address that holds an IPv4 one. The URL parser writes every address in the one canonical way. */
function hexGroups(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const isMapped = canonical.startsWith("::ffff:");
  if (!isMapped && !HOLDS_IPV4.check(canonical, "ipv6")) return [];
  // "64:ff9b::1" has one group only: the other is 0, and 0.0.0.1 is reserved.
  const groups = canonical
    .slice(canonical.lastIndexOf("::") + 2)
    .split(":")
    .slice(isMapped ? 1 : 0);
  return [0, 0, ...groups.map((group) => Number.parseInt(group || "0", 16))].slice(-2);
}

function add(list: BlockList, range: string, family: "ipv4" | "ipv6"): void {
  const [network = "", bits = ""] = range.split("/");
  list.addSubnet(network, Number(bits), family);
}
