import type { ExportResult } from "../../delivery/exporter.ts";
import { cleanText, cutOff } from "./clean-text.ts";
import type { HttpAnswer } from "./http-sender.ts";
import { AddressNotPublicError } from "./public-address.ts";

/** More than a reason holds, also with blanks between. */
const EXCERPT_BYTES = 4096;
/** Nobody is made to wait longer, whatever a destination asks for: it might have meant another unit. */
const LONGEST_WAIT_MS = 3_600_000;

const SAID_SO: Readonly<Record<number, string>> = {
  401: "the credentials were not accepted: correct the token or the headers",
  402: "the account is out of credit",
  403: "the credentials do not allow writing there: correct the token or its permissions",
  404: "nothing is at that address: correct the URL or create what it names",
  405: "that address takes no POST: correct the URL",
  407: "a proxy in between wants credentials",
  410: "what was there is gone for good",
  415: "it does not take this encoding of the body: change the compression",
};

/** For ever, however often it is sent: what is in the batch is at fault. */
const FAILS = new Set([400, 413, 422]);

const UNKNOWN_AUTHORITY = "its certificate is signed by an authority that is not trusted here";
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused: nothing listens there",
  ECONNRESET: "the connection was closed before the answer was complete",
  EPIPE: "the connection was closed while the request was being sent",
  ECONNABORTED: "the connection was broken off",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "no route leads to that host",
  ENETUNREACH: "no route leads to that network",
  EADDRNOTAVAIL: "no local port was left to connect from",
  EMFILE: "this process has too many files and connections open",
  ENOTFOUND: "DNS knows no such host",
  EAI_AGAIN: "DNS did not answer",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: is the clock right?",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host name",
  EPROTO: "the two sides could not agree on TLS: does the port speak TLS?",
  ERR_SSL_WRONG_VERSION_NUMBER: "the two sides could not agree on TLS: does the port speak TLS?",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "it wants a client certificate",
};

/**
 * What an answer means for the batch that was sent: 2xx `ok`; 400, 413 and 422 `fail`; all else `retry`, with the time that
 * `Retry-After` names, since it either passes or is put right by a person.
 *
 * @param where the destination for people, without secrets: `https://cloud.axiom.co`
 */
export function resultOfStatus(answer: HttpAnswer, where: string): ExportResult {
  const { status } = answer;
  if (status >= 200 && status < 300) return { status: "ok" };
  const says = excerptOf(answer);
  const reason = `${where} answered ${status}${meaningOf(answer)}${says && `: ${says}`}`;
  if (FAILS.has(status)) return { status: "fail", reason };
  return { status: "retry", reason, afterMs: parseRetryAfter(answer.headers["retry-after"]) };
}

/**
 * Milliseconds to wait by a `Retry-After` of seconds or an HTTP date, at most an hour. Undefined for a header that is absent, of
 * neither form, zero or in the past.
 */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return boundedWait(waitMs);
}

/** Whole milliseconds, at most an hour. Undefined for what is no time to come. */
export function boundedWait(waitMs: number): number | undefined {
  return waitMs > 0 ? Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS) : undefined;
}

/**
 * In words, why an attempt to reach a destination had no answer. Never holds what was sent.
 *
 * @param where the destination for people, with host and port, without secrets
 */
export function describeFailure(error: unknown, where: string): string {
  return `no answer from ${where}: ${wordsOf(firstOf(error))}`;
}

/** The start of an answer's text on one line, "" where it is no text. What a destination says is not ours to trust. */
export function excerptOf(answer: HttpAnswer): string {
  const type = answer.headers["content-type"] ?? "text/plain";
  // A page in HTML says nothing in its first characters.
  if (!/^text\/(?!html)|json|^$/i.test(type)) return "";
  const text = answer.body.subarray(0, EXCERPT_BYTES).toString("utf8");
  return cleanText(answer.body.length > EXCERPT_BYTES ? cutOff(text) : text);
}

function meaningOf({ status, headers }: HttpAnswer): string {
  if (status >= 300 && status < 400) {
    const to = originOf(headers.location);
    return `, a redirect${to && ` to ${to}`}, which is not followed: set the URL to the final address`;
  }
  const meaning = SAID_SO[status];
  return meaning === undefined ? "" : ` (${meaning})`;
}

/** The rest of a `Location` may hold a secret. */
function originOf(location: string | undefined): string {
  const url = location === undefined ? null : URL.parse(location);
  return url === null || url.origin === "null" ? "" : url.origin;
}

/** A host with several addresses fails with the failures of all of them. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

function wordsOf(error: unknown): string {
  if (isAbort(error)) return "gave up waiting";
  if (error instanceof AddressNotPublicError) return error.message;
  const { code = "", message = String(error) } = Object(error) as { code?: string; message?: string };
  if (code.startsWith("HPE_")) return "what came is not HTTP";
  return WORDS[code] ?? `${cleanText(message)}${code && ` (${code})`}`;
}
