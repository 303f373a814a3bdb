import { isIP } from "node:net";
import { type KeyInfo, SandglassError, type Scope } from "@sandglass/protocol";
import { ConfigError, type SandglassConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";
import { type Caller, DEFAULT_ORG, type Keyring } from "./keys.ts";

const BEARER = /^Bearer +([A-Za-z0-9_.~+/=-]+) *$/i;
/** Longer than any key; spares hashing what cannot be one. */
const MAX_HEADER_LENGTH = 1024;

/**
 * The key that a request carries.
 *
 * @param header `Authorization`, e.g. `Bearer sg_…`
 * @throws SandglassError UNAUTHORIZED, the same for a wrong key and an unknown form, never repeating what was sent
 */
export function authenticate(header: string | undefined, keyring: Keyring): KeyInfo {
  if (header === undefined || header === "") {
    throw new SandglassError("UNAUTHORIZED", "no API key was sent", {
      hint: "send `Authorization: Bearer <key>`; on the daemon's machine the CLI and the SDK find theirs by themselves",
    });
  }
  const secret = header.length > MAX_HEADER_LENGTH ? undefined : BEARER.exec(header)?.[1];
  const key = secret === undefined ? undefined : keyring.find(secret);
  if (key !== undefined) return key;
  throw new SandglassError("UNAUTHORIZED", "the API key is not one of this daemon's", {
    hint: "list the valid ones with `sandglass keys list`, make one with `sandglass keys create`",
  });
}

/** The organisation that a header's key belongs to; undefined where it is none of this daemon's. */
export function organisationOf(header: string | undefined, keyring: Keyring | undefined): string | undefined {
  try {
    return keyring && authenticate(header, keyring).orgId;
  } catch (error) {
    if (error instanceof SandglassError) return undefined;
    throw error;
  }
}

/**
 * What only the operator may do.
 *
 * @throws SandglassError FORBIDDEN
 */
export function requireAdmin(caller: Caller, what: string): void {
  if (caller.scopes.includes("admin")) return;
  throw new SandglassError("FORBIDDEN", `${what} is for keys with the scope "admin"`, {
    hint: "ask the operator of this daemon",
  });
}

/**
 * The scopes of a key that `caller` makes. Nobody gives what they do not have, and nobody but the operator's organisation
 * has any.
 *
 * @param asked default: everything that the caller may give
 * @throws SandglassError FORBIDDEN, INVALID_REQUEST
 */
export function grantScopes(asked: readonly Scope[] | undefined, orgId: string, caller: Caller): Scope[] {
  if (asked === undefined) return orgId === DEFAULT_ORG ? [...caller.scopes] : [];
  for (const scope of asked) requireScope(caller, scope);
  if (asked.length > 0 && orgId !== DEFAULT_ORG) {
    throw new SandglassError("INVALID_REQUEST", `keys of the organisation "${orgId}" have no scopes`, {
      hint: `scopes are for keys of the organisation "${DEFAULT_ORG}"`,
    });
  }
  return [...new Set(asked)];
}

function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.includes(scope)) return;
  throw new SandglassError("FORBIDDEN", `a key without the scope "${scope}" cannot give it to another`, {
    hint: "ask the operator of this daemon",
  });
}

/**
 * A daemon that others can reach has to be given its keys: one made by itself lies in a file of one user here.
 *
 * @throws ConfigError
 */
export function checkBind(config: SandglassConfig): void {
  if (isLoopback(config.host) || config.apiKeys.length > 0) return;
  throw new ConfigError(
    `refusing to listen on ${config.host}, which other machines can reach, without explicit API keys; set SANDGLASS_API_KEYS (make one with: openssl rand -hex 32) or listen on 127.0.0.1`,
  );
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

/**
 * Sees to it that the user who runs the daemon has a key where the CLI and the SDK look for it: keeps the one that is there,
 * takes over one written for another address of the same data directory, else makes one. With configured keys the user has
 * theirs already, and nothing is written.
 */
export async function provideLocalKey(
  keyring: Keyring,
  credentials: Credentials,
  baseUrl: string,
  configured: SandglassConfig["apiKeys"],
): Promise<void> {
  if (configured.length > 0) return;
  try {
    const known = await credentials.read();
    const current = known.get(baseUrl);
    if (current !== undefined && isOurs(current)) return;
    const other = [...known.values()].find(isOurs);
    await credentials.write(baseUrl, other ?? (await keyring.create("local", DEFAULT_ORG)).key);
  } catch (error) {
    throw new ConfigError(
      `cannot keep this daemon's key where its user's programs look for it: ${(error as Error).message}; set SANDGLASS_CREDENTIALS to another file, or give keys in SANDGLASS_API_KEYS`,
    );
  }

  function isOurs(key: string): boolean {
    return keyring.find(key)?.orgId === DEFAULT_ORG;
  }
}
