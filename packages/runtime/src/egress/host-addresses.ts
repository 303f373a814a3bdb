import { networkInterfaces } from "node:os";
import { formatIpAddress, type IpAddress, meantAddress, parseIpAddress } from "@sandglass/protocol";

/** Asked of the kernel again after this time: addresses come and go with networks. */
const KEPT_MS = 5_000;

let known: { at: number; addresses: ReadonlySet<string> } | undefined;

/** Whether an address is one that this host answers on. */
export function isHostAddress(address: IpAddress): boolean {
  const at = performance.now();
  if (known === undefined || at - known.at > KEPT_MS) known = { at, addresses: addressesNow() };
  return known.addresses.has(formatIpAddress(meantAddress(address)));
}

function addressesNow(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((own) => own ?? []);
  const parsed = all.map(({ address }) => parseIpAddress(address.replace(/%.*$/, "")));
  return new Set(parsed.flatMap((address) => (address === undefined ? [] : [formatIpAddress(address)])));
}
