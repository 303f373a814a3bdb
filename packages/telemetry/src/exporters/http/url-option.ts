import { BlockList, isIP } from "node:net";
import { SandglassError } from "@sandglass/protocol";
import type { PrepareContext } from "../definition.ts";
import { bareHost, isNonPublicHost } from "./public-address.ts";

export interface UrlTarget {
  /** Without credentials and fragment. */
  readonly url: URL;
  /** `Authorization` for the credentials that were in it. */
  readonly authorization: string | undefined;
  /** Values to be kept out of everything said: see `PreparedExporter.secrets`. */
  readonly secrets: readonly string[];
  /** For people: origin with port where it is not the scheme's own. */
  readonly where: string;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("0.0.0.0", "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
LOOPBACK.addAddress("::", "ipv6");

/**
 * An option that holds an http or https URL.
 *
 * Throws INVALID_REQUEST naming the option, never its value, for a text that is no such URL, for an address of this daemon itself,
 * and, where the context is not trusted, for a host that is not public by its own saying. What a name leads to is checked when it is
 * connected to (`HttpSenderOptions.publicOnly`).
 *
 * @example const { url, where } = urlOption("url", "https://cloud.axiom.co", context)
 */
export function urlOption(
  option: string,
  text: string,
  context: Pick<PrepareContext, "isTrusted" | "ownOrigins">,
): UrlTarget {
  const url = URL.parse(text.trim());
  if (url === null) throw invalid(`${option} is no URL`, "it looks like https://host.example/path");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw invalid(
      `${option} begins with ${url.protocol}, which is neither http:// nor https://`,
      `did you mean http://${url.protocol.slice(0, -1)}…?`,
    );
  if (context.ownOrigins.some((origin) => isSamePlace(url, origin)))
    throw invalid(
      `${option} is this daemon itself: it would feed itself for ever`,
      "name another destination",
    );
  if (!context.isTrusted && isNonPublicHost(url.hostname))
    throw invalid(
      `${option} is a private, loopback or link-local address`,
      "only a key with the scope admin may send there",
    );

  const { authorization, secrets } = credentialsOf(option, url);
  url.username = "";
  url.password = "";
  url.hash = "";
  return { url, authorization, secrets, where: url.origin };
}

function credentialsOf(option: string, url: URL): { authorization: string | undefined; secrets: string[] } {
  if (url.username === "" && url.password === "") return { authorization: undefined, secrets: [] };
  let password: string;
  let user: string;
  try {
    user = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw invalid(`${option} has credentials with a % that encodes nothing`, "write % as %25");
  }
  const encoded = Buffer.from(`${user}:${password}`).toString("base64");
  // A user without a password is a token.
  const secrets = [password === "" ? user : password, encoded];
  return { authorization: `Basic ${encoded}`, secrets };
}

function isSamePlace(url: URL, ownOrigin: string): boolean {
  const own = new URL(ownOrigin);
  if (portOf(url) !== portOf(own)) return false;
  const [host, ownHost] = [bareHost(url.hostname), bareHost(own.hostname)];
  return host === ownHost || (isLoopback(host) && isLoopback(ownHost));
}

function portOf(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}

/** Also where "any address" is meant: what is sent there arrives on loopback. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === "localhost" || host.endsWith(".localhost");
  return LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}

function invalid(message: string, hint: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message, { hint });
}
