import type { IncomingMessage } from "node:http";
import { SandglassError } from "@sandglass/protocol";

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/i;

/**
 * What is public is public to other sites' pages, too, so that they can show it. A daemon that is addressed as the machine itself is
 * not public, though: a page that somebody looks at there must not find out by it what runs on their machine.
 *
 * @throws SandglassError ORIGIN_NOT_ALLOWED
 */
export function isReadableHere({ headers }: Pick<IncomingMessage, "headers">): void {
  if (!LOOPBACK.test(headers.host ?? "")) return;
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  // Following a link shows the page to whoever follows it, and to nobody else.
  const isFollowed = headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  const isOwn = origin === undefined || isSame(origin, headers.host ?? "");
  if (isFollowed || (isOwn && (site === undefined || site === "same-origin" || site === "none"))) return;
  throw new SandglassError(
    "ORIGIN_NOT_ALLOWED",
    "pages of another origin may not read what runs on this machine",
    {
      hint: "serve the status page under a name of its own: allowedHosts",
    },
  );
}

function isSame(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
