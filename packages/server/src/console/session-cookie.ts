import type { IncomingMessage } from "node:http";

/** Longer than any of ours. */
const MAX_LENGTH = 100;

/** Named by the port, which cookies do not tell apart: two daemons on one host would sign each other out. */
function nameFor({ headers }: IncomingMessage): string {
  const port = /:([0-9]{1,5})$/.exec(headers.host ?? "")?.[1];
  return port === undefined ? "sandglass_console" : `sandglass_console_${port}`;
}

/** The console's cookie in a request; undefined where there is none. */
export function readSessionCookie(request: IncomingMessage): string | undefined {
  const wanted = nameFor(request);
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === wanted && value !== undefined && value !== "" && value.length <= MAX_LENGTH) return value;
  }
  return undefined;
}

/**
 * `Set-Cookie` for the console (RFC 6265bis): out of scripts' reach, sent by its own pages alone, and over TLS where the page came so.
 *
 * @param value "" takes it away
 * @param maxAgeMs how long it is kept, milliseconds
 */
export function sessionCookie(request: IncomingMessage, value: string, maxAgeMs: number): string {
  // Behind a proxy that speaks TLS, the page's origin is what tells.
  const isSecure = "encrypted" in request.socket || request.headers.origin?.startsWith("https:") === true;
  const attributes = ["Path=/", "HttpOnly", "SameSite=Strict", `Max-Age=${Math.floor(maxAgeMs / 1000)}`];
  return [`${nameFor(request)}=${value}`, ...attributes, ...(isSecure ? ["Secure"] : [])].join("; ");
}
