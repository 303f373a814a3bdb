import { type IpAddress, meantAddress, parseIpAddress } from "./ip-address.ts";
import { type IpRange, isInRange, isRangeWithin, parseIpRange } from "./ip-range.ts";

// IANA's special-purpose registry (RFC 6890 and its updates), multicast, and what clouds keep at a public-looking address.
const RESERVED: readonly IpRange[] = [
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
  // Of IPv6 only global unicast (2000::/3) is public: this is all the rest.
  "::/3",
  "4000::/2",
  "8000::/1",
  // And of that not what is reserved or holds an IPv4 address that nobody checked: protocol assignments with Teredo; documentation;
  // 6to4; documentation.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
].map((text) => parseIpRange(text) as IpRange);

/** Whether an IP address, without brackets, is one of the public internet. False for a text that is no address. */
export function isPublicAddress(address: string): boolean {
  const parsed = parseIpAddress(address);
  return parsed !== undefined && isPublicIp(parsed);
}

/** As {@link isPublicAddress}, by its bits: one that only holds an IPv4 address is judged by that. */
export function isPublicIp(address: IpAddress): boolean {
  const meant = meantAddress(address);
  return !RESERVED.some((range) => isInRange(meant, range));
}

/** Whether a range speaks of reserved addresses alone. One that has both, as `0.0.0.0/0`, does not. */
export function isReservedRange(range: IpRange): boolean {
  return RESERVED.some((reserved) => isRangeWithin(range, reserved));
}
