import dns from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "@sandglass/protocol";

/** A destination that is not on the public internet, asked for by someone who may only send there. */
export class AddressNotPublicError extends Error {
  override readonly name = "AddressNotPublicError";
  readonly code = "ERR_ADDRESS_NOT_PUBLIC";

  constructor(host: string) {
    super(`${host} is or leads to a private, loopback, link-local or otherwise reserved address`);
  }
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
