import type { IncomingHttpHeaders } from "node:http";
import { boundedWait, parseRetryAfter } from "../http/http-result.ts";

/** By the names in https://axiom.co/docs/restapi/api-limits: requests a minute, bytes a month. */
const LIMITS = ["x-ratelimit", "x-ingestlimit"];

/**
 * Milliseconds until a limit of Axiom's lets through again: what `Retry-After` says, else until the window of the limit that is
 * used up begins anew (`X-RateLimit-Reset`, `X-IngestLimit-Reset`: seconds since 1970). At most an hour; undefined where the answer
 * does not say.
 */
export function limitResetMs(headers: IncomingHttpHeaders, now: number = Date.now()): number | undefined {
  const said = parseRetryAfter(headers["retry-after"], now);
  if (said !== undefined) return said;
  const named = LIMITS.filter((limit) => headers[`${limit}-reset`] !== undefined);
  const usedUp = named.filter((limit) => Number(headers[`${limit}-remaining`]) <= 0);
  // Several windows: it takes the last of those that are used up. None says it is: the requests' own, which comes first.
  const limits = usedUp.length > 0 ? usedUp : named.slice(0, 1);
  const waitsMs = limits.map((limit) => Number(headers[`${limit}-reset`]) * 1000 - now);
  return boundedWait(Math.max(...waitsMs.filter(Number.isFinite)));
}
