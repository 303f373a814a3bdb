import { type IpAddress, meantAddress, parseIpAddress } from "./ip-address.ts";

/** Addresses in a row of one family, both ends included. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Reads an address or a CIDR block (`10.0.0.0/8`); a block of IPv4-mapped addresses is the IPv4 block. Undefined for what is neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const [, host = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const written = parseIpAddress(host);
  if (written === undefined) return undefined;
  const address = meantAddress(written);
  const lost = BITS[written.family] - BITS[address.family];
  const length = prefix === undefined ? BITS[address.family] : Number(prefix) - lost;
  if (length > BITS[address.family]) return undefined;
  if (length >= 0) return block(address, length);
  return block(written, Number(prefix));
}

/** Whether an address, given as it is meant, is one of the range. */
export function isInRange({ family, value }: IpAddress, range: IpRange): boolean {
  return family === range.family && value >= range.first && value <= range.last;
}

/** Whether every address of `inner` is one of `outer`. */
export function isRangeWithin(inner: IpRange, outer: IpRange): boolean {
  return inner.family === outer.family && inner.first >= outer.first && inner.last <= outer.last;
}

function block({ family, value }: IpAddress, length: number): IpRange {
  const free = BigInt(BITS[family] - length);
  const first = (value >> free) << free;
  return { family, first, last: first | ((1n << free) - 1n) };
}
