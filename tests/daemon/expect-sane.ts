import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { ERROR_STATUS, type ErrorCode } from "@sandglass/protocol";
import { INSIDES } from "./expect-refusal.ts";
import type { RawAnswer } from "./raw-request.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const TYPES =
  /^(?:application\/(?:json|x-protobuf|(?:rss|atom)\+xml|feed\+json|octet-stream|openmetrics-text)|text\/(?:html|javascript|css|plain|calendar|event-stream)|image\/(?:svg\+xml|png))(?:; |$)/;

export interface Expected {
  /** In no answer. */
  secrets: readonly string[];
  /** Our form of a refusal is not this server's: telemetry's and MCP's clients read another. */
  hasOwnForm?: boolean;
}

/**
 * An answer as all of them have to be, whatever was asked for: no fault of ours, nothing of the machine or of others, one type that
 * it has indeed, a refusal of the catalogue, and a page that nobody else's script runs in.
 */
export function expectSane(answer: RawAnswer, method: string, what: string, expected: Expected): void {
  const { status, headers, body } = answer;
  const all = `${JSON.stringify(headers)} ${plain(answer)}`;
  const told = `${what} -> ${status} ${all.slice(0, 600)}`;
  assert.ok(status >= 200 && status < 500, told);
  for (const secret of [...expected.secrets, CHECKOUT]) assert.ok(!all.includes(secret), told);
  assert.ok(!("x-injected" in headers) && !("set-cookie" in headers && method !== "DELETE"), told);
  if (status >= 400) assert.doesNotMatch(all, INSIDES, told);
  if (method === "HEAD" || status === 204 || status === 304) {
    assert.equal(body.length, 0, told);
    return;
  }
  if ("content-length" in headers) assert.equal(Number(headers["content-length"]), body.length, told);
  if (body.length === 0) {
    assert.ok(status < 400 || expected.hasOwnForm === true, told);
    return;
  }
  const type = headers["content-type"] ?? "";
  assert.match(type, TYPES, told);
  if (type.startsWith("text/html")) expectPage(answer, told);
  if (/json/.test(type)) JSON.parse(plain(answer));
  if (expected.hasOwnForm === true) return;
  assert.equal(headers["x-content-type-options"], "nosniff", told);
  if (status < 400 || type.startsWith("text/html")) return;
  const { code, message, requestId } = JSON.parse(plain(answer)).error;
  assert.equal(ERROR_STATUS[code as ErrorCode], status, told);
  assert.equal(headers["x-error-code"], code, told);
  assert.equal(headers["x-request-id"], requestId, told);
  assert.ok(message.length > 0, told);
}

function expectPage({ headers }: RawAnswer, told: string): void {
  const policy = headers["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'none'/, told);
  assert.match(policy, /frame-ancestors 'none'/, told);
  assert.doesNotMatch(policy, /script-src [^;]*unsafe/, told);
  assert.equal(headers["x-content-type-options"], "nosniff", told);
}

function plain({ headers, body }: RawAnswer): string {
  if (body.length === 0) return "";
  if (headers["content-encoding"] === "gzip") return gunzipSync(body).toString();
  if (headers["content-encoding"] === "br") return brotliDecompressSync(body).toString();
  return body.toString();
}
