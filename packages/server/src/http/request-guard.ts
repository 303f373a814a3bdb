import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { SandglassError } from "@sandglass/protocol";
import { isLoopback } from "../auth.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"];
/** A name or an address, and a port (RFC 9110, 7.2). Links are made of it: nothing else may stand there. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~-]+)(?::[0-9]{0,5})?$|^[0-9a-f:]+$/i;

/** Refuses, by throwing, a request that a web page may have had a browser send. */
export type RequestGuard = (request: IncomingMessage) => void;

/**
 * Keeps web pages out. A page can make a browser send requests to a daemon on the same machine: under a name of its own that
 * it points at 127.0.0.1 (DNS rebinding), which the `Host` header gives away, or across origins, which `Origin` and
 * `Sec-Fetch-Site` do. Programs send neither of the two, and no page is let in by CORS headers, since there are none.
 *
 * An address in `Host` cannot be rebound, so a daemon that listens for other machines takes any.
 *
 * @param listenHost the configured `host`
 * @param allowedHosts further names; "*" is any
 * @throws SandglassError HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED
 */
export function createRequestGuard(listenHost: string, allowedHosts: readonly string[]): RequestGuard {
  const names = new Set([...LOOPBACK_NAMES, listenHost, ...allowedHosts].map((name) => hostName(name)));
  const isAnyAllowed = allowedHosts.includes("*");
  const isReachable = !isLoopback(listenHost);

  return ({ headers }) => {
    const { host: sent = "" } = headers;
    const host = hostName(sent);
    const isHost = sent === "" || HOST.test(sent);
    if (!isHost || (!isAnyAllowed && !names.has(host) && !(isReachable && isIP(host) !== 0))) {
      throw new SandglassError("HOST_NOT_ALLOWED", "requests addressed to this host name are refused", {
        hint: "use the daemon's own address, or add the name to allowedHosts (SANDGLASS_ALLOWED_HOSTS)",
      });
    }
    const { origin } = headers;
    const site = headers["sec-fetch-site"];
    const isSameOrigin = origin === undefined || originHost(origin) === headers.host?.toLowerCase();
    if (isSameOrigin && (site === undefined || site === "same-origin" || site === "none")) return;
    throw new SandglassError("ORIGIN_NOT_ALLOWED", "requests from pages of another origin are refused", {
      hint: "call the API from a program, not from a web page",
    });
  };
}

/** Without the port and the brackets of an IPv6 address, lower-case. */
function hostName(host: string): string {
  const lower = host.toLowerCase();
  if (lower.startsWith("[")) return lower.slice(1, lower.indexOf("]"));
  // A bare IPv6 address, as in the configuration, has several colons and no port.
  const colon = lower.indexOf(":");
  return colon !== -1 && colon === lower.lastIndexOf(":") ? lower.slice(0, colon) : lower;
}

/** `host[:port]` of an origin, in the form of a `Host` header; undefined for "null" and what is none. */
function originHost(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  const { protocol, host } = new URL(origin);
  return protocol === "http:" || protocol === "https:" ? host : undefined;
}
