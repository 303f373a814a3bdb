/** An IP address by its bits. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

const DECIMAL = /^(?:0|[1-9]\d{0,2})$/;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;
const LOW_32 = 0xffff_ffffn;
/** `::ffff:0:0/96`: IPv4 addresses as programs of IPv6 write them. */
const MAPPED = 0xffffn;
/** `64:ff9b::/96`: what a DNS64 resolver makes up for every IPv4 destination (RFC 6052). */
const NAT64 = 0x64_ff9b_0000_0000_0000_0000n;

/**
 * Reads an address in its one usual notation: four decimal numbers, or IPv6 without brackets and zone. Undefined for everything else,
 * other notations that some resolvers take (`127.1`, `0x7f.1`, `010.0.0.1`) included.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const value = ipv4Bits(text);
  return value === undefined ? undefined : { family: 4, value };
}

/** The shortest notation of an address (RFC 5952). */
export function formatIpAddress({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - index * 16)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  // The longest run of zero groups, the first of equal ones; one alone stays as it is.
  const runs = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].toSorted(
    (a, b) => b[0].length - a[0].length,
  );
  const longest = runs[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}

/** The address that is meant: of an IPv6 one that only holds an IPv4 address (mapped, NAT64) that one, else itself. */
export function meantAddress(address: IpAddress): IpAddress {
  if (address.family === 4) return address;
  const head = address.value >> 32n;
  const holdsIpv4 = head === MAPPED || head === NAT64;
  return holdsIpv4 ? { family: 4, value: address.value & LOW_32 } : address;
}

function ipv4Bits(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!DECIMAL.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) =>
    half === "" ? [] : groupsOf(half, index === halves.length - 1),
  );
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const known = head.length + (tail?.length ?? 0);
  if (tail === undefined ? known !== 8 : known > 7) return undefined;
  const groups = [...head, ...Array.from({ length: 8 - known }, () => 0n), ...(tail ?? [])];
  return { family: 6, value: groups.reduce((bits, group) => (bits << 16n) | group, 0n) };
}

/** Groups of 16 bits; the last one of an address may be written as an IPv4 address. */
function groupsOf(half: string, isLast: boolean): bigint[] | undefined {
  const parts = half.split(":");
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) groups.push(BigInt(`0x${part}`));
    else {
      const bits = isLast && index === parts.length - 1 ? ipv4Bits(part) : undefined;
      if (bits === undefined) return undefined;
      groups.push(bits >> 16n, bits & 0xffffn);
    }
  }
  return groups;
}
