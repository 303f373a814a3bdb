import { readFile } from "node:fs/promises";
import { type KeyInfo, SCOPES, type Scope } from "@sandglass/protocol";
import { DEFAULT_ORG } from "./caller.ts";
import { writePrivateFile } from "./write-private-file.ts";

const FORMAT = 1;
const DIGEST = /^[0-9a-f]{64}$/;
/** What a key had that was made without `admin` while there was no other scope. */
const EVERYDAY: readonly Scope[] = ["sandboxes:read", "sandboxes:write", "events:read"];

/** A key as it is kept. */
export interface StoredKey extends Omit<KeyInfo, "graceUntil"> {
  /**
   * SHA-256 of the key, hex. Plain and unsalted is enough: what is hashed has 256 random bits, so there is nothing to guess
   * that a slow hash would slow down.
   */
  sha256: string;
  /** The secret from before the last rotation, and until when it works (ISO 8601). */
  previous?: { sha256: string; until: string };
}

/** @throws Error where the file cannot be understood: starting without it would lock its users out silently */
export async function readStoredKeys(path: string): Promise<StoredKey[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const { format, keys } = parse(text);
  if (format === FORMAT && Array.isArray(keys) && keys.every(isStoredKey)) return keys.map(withScopes);
  throw new Error(
    `${path} is damaged or of another version; restore it, or move it away to begin without keys`,
  );
}

export function writeStoredKeys(path: string, keys: readonly StoredKey[]): Promise<void> {
  return writePrivateFile(path, `${JSON.stringify({ format: FORMAT, keys }, null, 2)}\n`);
}

function parse(text: string): { format?: unknown; keys?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { format?: unknown; keys?: unknown };
  } catch {
    // Reported by the caller together with every other damage.
    return {};
  }
}

type OldKey = Omit<StoredKey, "scopes"> & Partial<Pick<StoredKey, "scopes">>;

/** Files from before there were scopes, or but one, keep their keys what those might do. */
function withScopes({ scopes, ...key }: OldKey): StoredKey {
  if (scopes !== undefined && scopes.length > 0) return { ...key, scopes };
  const wasPlain = scopes !== undefined && key.orgId === DEFAULT_ORG;
  return { ...key, scopes: wasPlain ? [...EVERYDAY] : ["admin"] };
}

function isStoredKey(entry: unknown): entry is OldKey {
  if (!isObject(entry)) return false;
  const { id, name, orgId, createdAt, sha256, scopes = [], expiresAt, lastUsedAt, previous } = entry;
  const isText = [id, name, orgId, createdAt].every((field) => typeof field === "string");
  const areScopes = Array.isArray(scopes) && scopes.every((scope) => SCOPES.includes(scope));
  const areTimes = [expiresAt, lastUsedAt].every((time) => time === undefined || isTime(time));
  const isPreviousFine =
    previous === undefined || (isObject(previous) && isDigest(previous.sha256) && isTime(previous.until));
  return isText && areScopes && areTimes && isPreviousFine && isDigest(sha256);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isDigest(value: unknown): boolean {
  return typeof value === "string" && DIGEST.test(value);
}

/** A time that cannot be read would never be over. */
function isTime(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}
