import { isIP } from "node:net";
import { SandglassError, type Scope } from "@sandglass/protocol";
import { type Caller, DEFAULT_ORG, hasScope, isOperator } from "./caller.ts";
import { ConfigError, type SandglassConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";
import type { Keyring, KeyUse } from "./keys.ts";
import { whyNotOurs } from "./listen-address.ts";

const BEARER = /^Bearer +([A-Za-z0-9_.~+/=-]+) *$/i;
/** Longer than any key; spares hashing what cannot be one. */
const MAX_HEADER_LENGTH = 1024;
/** Of /otlp and the ports of otlpListen: telemetry adds to what is recorded of the organisation, as runs do. */
export const TELEMETRY_SCOPE: Scope = "sandboxes:write";

/**
 * The key that a request carries.
 *
 * @param header `Authorization`, e.g. `Bearer sg_…`
 * @throws SandglassError UNAUTHORIZED, the same for a wrong key, one that is over and an unknown form, never repeating what was sent
 */
export function authenticate(header: string | undefined, keyring: Keyring): KeyUse {
  if (header === undefined || header === "") {
    throw new SandglassError("UNAUTHORIZED", "no API key was sent", {
      hint: "send `Authorization: Bearer <key>`; on the daemon's machine the CLI and the SDK find theirs by themselves",
    });
  }
  const secret = header.length > MAX_HEADER_LENGTH ? undefined : BEARER.exec(header)?.[1];
  const use = secret === undefined ? undefined : keyring.find(secret);
  if (use !== undefined) return use;
  throw new SandglassError("UNAUTHORIZED", "the API key is not one of this daemon's", {
    hint: "list the valid ones with `sandglass keys list`, make one with `sandglass keys create`",
  });
}

/** What a request gets whose key was valid when it began, and is not any more. */
export function keyIsOver(): SandglassError {
  return new SandglassError(
    "UNAUTHORIZED",
    "the API key, or the session of the console, ended while the request was under way",
    {
      hint: "it was revoked, rotated, signed out or has expired: send the request again with one that is valid",
    },
  );
}

/**
 * The organisation that a header's key belongs to; undefined where it is none of this daemon's, or may not send telemetry.
 *
 * @param keyring undefined while the daemon starts: nobody has a key then
 */
export function senderOf(header: string | undefined, keyring: Keyring | undefined): string | undefined {
  try {
    if (keyring === undefined) return undefined;
    const { key } = authenticate(header, keyring);
    return hasScope(key, TELEMETRY_SCOPE) ? key.orgId : undefined;
  } catch (error) {
    if (error instanceof SandglassError) return undefined;
    throw error;
  }
}

/** @throws SandglassError FORBIDDEN where the caller's key lacks the scope */
export function requireScope(caller: Caller, scope: Scope): void {
  if (hasScope(caller, scope)) return;
  throw new SandglassError("FORBIDDEN", `this takes a key with the scope "${scope}"`, {
    hint: "make one with `sandglass keys create <name> --scope …`, or ask whoever administers your organisation",
  });
}

/**
 * What only the operator may do.
 *
 * @throws SandglassError FORBIDDEN
 */
export function requireOperator(caller: Caller, what: string): void {
  if (isOperator(caller)) return;
  throw new SandglassError(
    "FORBIDDEN",
    `${what} is for keys of the organisation "${DEFAULT_ORG}" with the scope "admin"`,
    { hint: "ask the operator of this daemon" },
  );
}

/**
 * The scopes of a key that `caller` makes. Nobody gives what they do not have.
 *
 * @param asked default: the caller's own
 * @throws SandglassError FORBIDDEN
 */
export function grantScopes(asked: readonly Scope[] | undefined, orgId: string, caller: Caller): Scope[] {
  if (asked === undefined) return orgId === caller.orgId ? [...caller.scopes] : ["admin"];
  for (const scope of asked) {
    if (hasScope(caller, scope)) continue;
    throw new SandglassError("FORBIDDEN", `a key without the scope "${scope}" cannot give it to another`, {
      hint: "ask whoever administers your organisation",
    });
  }
  return [...new Set(asked)];
}

/**
 * A daemon that others can reach has to be given its keys: one made by itself lies in a file of one user here. An address that
 * nobody can listen on is refused as that, before anybody makes keys for it.
 *
 * @throws ConfigError
 */
export function checkBind(config: SandglassConfig): void {
  if (isLoopback(config.host) || config.apiKeys.length > 0) return;
  const reason = whyNotOurs(config.host);
  if (reason !== undefined) throw new ConfigError(`cannot listen there: ${reason}`);
  throw new ConfigError(
    `refusing to listen on ${config.host}, which other machines can reach, without explicit API keys; set SANDGLASS_API_KEYS (make one with: openssl rand -hex 32) or listen on 127.0.0.1`,
  );
}

/** What a daemon that others can reach says in the clear. */
export function warningsOf({ host, tls }: SandglassConfig): string[] {
  if (isLoopback(host) || tls.cert !== undefined) return [];
  return [
    `keys and code cross the network readable to ${host}: give tls.cert and tls.key, or let a proxy do it`,
  ];
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
    await credentials.write(
      baseUrl,
      other ?? (await keyring.create({ name: "local", orgId: DEFAULT_ORG })).key,
    );
  } catch (error) {
    throw new ConfigError(
      `cannot keep this daemon's key where its user's programs look for it: ${(error as Error).message}; set SANDGLASS_CREDENTIALS to another file, or give keys in SANDGLASS_API_KEYS`,
    );
  }

  function isOurs(key: string): boolean {
    return keyring.find(key)?.key.orgId === DEFAULT_ORG;
  }
}
