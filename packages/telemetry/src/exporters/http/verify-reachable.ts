import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { describeFailure } from "./http-result.ts";
import type { HttpSenderOptions } from "./http-sender.ts";
import { AddressNotPublicError, bareHost, isNonPublicHost, publicLookup } from "./public-address.ts";

/**
 * Connects to a URL's host and, where it is https, agrees on TLS; sends nothing. Throws an Error that says in words what cannot be
 * reached and why.
 *
 * @param where the destination for people
 */
export async function verifyReachable(
  url: URL,
  where: string,
  { publicOnly = false, tls }: Pick<HttpSenderOptions, "publicOnly" | "tls">,
  signal: AbortSignal,
): Promise<void> {
  let socket: Socket | undefined;
  try {
    if (publicOnly && isNonPublicHost(url.hostname)) throw new AddressNotPublicError(url.hostname);
    const host = bareHost(url.hostname);
    const isTls = url.protocol === "https:";
    const port = Number(url.port) || (isTls ? 443 : 80);
    const target = { host, port, ...(publicOnly && { lookup: publicLookup }) };
    socket = isTls
      ? tlsConnect({ ...target, ...tls, servername: isName(host) ? host : "" })
      : connect(target);
    await once(socket, isTls ? "secureConnect" : "connect", { signal });
  } catch (error) {
    throw new Error(describeFailure(error, where), { cause: error });
  } finally {
    socket?.destroy();
  }
}

/** An address is not a server's name (RFC 6066 section 3). */
function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host);
}
