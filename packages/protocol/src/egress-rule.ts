import { type IpRange, parseIpRange } from "./ip-range.ts";

/** What one entry of an egress policy speaks of. */
export interface EgressRule {
  readonly host:
    | { readonly kind: "any" }
    | { readonly kind: "name"; readonly name: string }
    /** The names below it, not the name itself. */
    | { readonly kind: "subdomains"; readonly name: string }
    | { readonly kind: "range"; readonly range: IpRange };
  /** Undefined where none is named; "any" for `*`. */
  readonly port: number | "any" | undefined;
}

const MAX_NAME = 253;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
/** A last label like this makes resolvers take the whole for a number: `127.1`, `0x7f.1`, `2130706433`. */
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/;
const NOT_ASCII = /[^\x20-\x7e]/;

/**
 * Reads an entry: a name, `*.name` for the names below it, an address, a CIDR block, or `*` for all that is public; each with `:port`
 * or `:*` behind it. An IPv6 address with a port is in brackets.
 *
 * @throws RangeError that says what is wrong with it
 */
export function parseEgressRule(text: string): EgressRule {
  if (/:\/\/|[/?#]\D/.test(text)) throw new RangeError("must name the host alone, without scheme and path");
  if (text.includes("@")) throw new RangeError("must name the host alone, without a user");
  const { host, port } = split(text);
  if (host === "*") return { host: { kind: "any" }, port };
  const range = parseIpRange(host);
  if (range !== undefined) return { host: { kind: "range", range }, port };
  const isBelow = host.startsWith("*.");
  const name = hostName(isBelow ? host.slice(2) : host);
  if (name === undefined) {
    throw new RangeError('is no name, "*.name", address, CIDR block or "*", with or without ":port"');
  }
  return { host: { kind: isBelow ? "subdomains" : "name", name }, port };
}

/**
 * A host's name as it is compared: lower case, punycode (UTS 46), no dot at the end. Undefined for what is no name, addresses in any
 * notation included.
 */
export function hostName(text: string): string | undefined {
  let name = text.toLowerCase().replace(/\.$/, "");
  if (NOT_ASCII.test(name)) {
    // The URL standard has the one list of what letters of other scripts become; nothing else of it is wanted here.
    if (/[\0-\x20%/?#@:[\]\\]/.test(name)) return undefined;
    name = URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : "";
  }
  const labels = name.split(".");
  if (name.length > MAX_NAME || !labels.every((label) => LABEL.test(label))) return undefined;
  return NUMERIC_LABEL.test(labels.at(-1) as string) ? undefined : name;
}

function split(text: string): { host: string; port: EgressRule["port"] } {
  const [, bracketed, portOfBracketed] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: portOf(portOfBracketed) };
  const colons = text.split(":").length - 1;
  if (colons !== 1) return { host: text, port: undefined };
  const [host = "", port] = text.split(":");
  return { host, port: portOf(port) };
}

function portOf(text: string | undefined): EgressRule["port"] {
  if (text === undefined) return undefined;
  if (text === "*") return "any";
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new RangeError(`"${text}" is no port: 1 to 65535, or *`);
  return port;
}
