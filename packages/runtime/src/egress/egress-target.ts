import { formatIpAddress, hostName, type IpAddress, meantAddress, parseIpAddress } from "@sandglass/protocol";
import type { EgressTarget } from "./egress-policy.ts";

/** Nothing but what a host can be written with: no user, no escapes, no zone, no control characters. */
const AUTHORITY = /^(?:\[([0-9a-fA-F]*:[0-9a-fA-F:.]{1,44})\]|([A-Za-z0-9._-]{1,254}))(?::(\d{1,5}))?$/;
const ABSOLUTE = /^http:\/\/([^/?#]*)([/?][^#]*)?(?:#.*)?$/i;
/** Resolvers take a host for a number where its last label looks like one. */
const NUMERIC = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i;

/** A destination as `host:port`, of CONNECT. Undefined for what names none. */
export function targetOfAuthority(text: string): EgressTarget | undefined {
  return /:\d+$/.test(text) ? target(text, 0) : undefined;
}

/** A destination as an absolute `http:` URL, and the path to ask it for. Undefined for what is none. */
export function targetOfUrl(url: string): { target: EgressTarget; path: string } | undefined {
  const [, authority = "", rest = "/"] = ABSOLUTE.exec(url) ?? [];
  const found = target(authority, 80);
  return found && { target: found, path: rest.startsWith("/") ? rest : `/${rest}` };
}

/** As it is recorded and shown: the name or the address, without brackets. */
export function hostOf({ host }: EgressTarget): string {
  return host.kind === "name" ? host.name : formatIpAddress(host.address);
}

/** As a `Host` field has it. */
export function hostHeader({ host, port }: EgressTarget): string {
  const bare = host.kind === "name" ? host.name : formatIpAddress(host.address);
  const written = bare.includes(":") ? `[${bare}]` : bare;
  return port === 80 ? written : `${written}:${port}`;
}

function target(authority: string, defaultPort: number): EgressTarget | undefined {
  const [, bracketed, plain = "", digits] = AUTHORITY.exec(authority) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  const address = bracketed === undefined ? numericAddress(plain) : parseIpAddress(bracketed);
  if (address !== undefined) return { host: { kind: "address", address: meantAddress(address) }, port };
  const name = bracketed === undefined ? hostName(plain) : undefined;
  return name === undefined ? undefined : { host: { kind: "name", name }, port };
}

/** `2130706433`, `127.1` and `0x7f.1` are what a resolver would make of them. */
function numericAddress(host: string): IpAddress | undefined {
  const bare = host.replace(/\.$/, "");
  if (!NUMERIC.test(bare) || !URL.canParse(`http://${bare}`)) return undefined;
  return parseIpAddress(new URL(`http://${bare}`).hostname);
}
