/**
 * What a key may do within its organisation. `sandboxes:read`: see sandboxes, execs, their output and files. `sandboxes:write`: make,
 * change and end them, run code, open runs and send telemetry. `events:read`: read the record. `admin`: all of it, and the
 * organisation's keys and exporters; of the operator's organisation, "default", whatever the operator may.
 */
export type Scope = "sandboxes:read" | "sandboxes:write" | "events:read" | "admin";
export const SCOPES: readonly [Scope, ...Scope[]] = [
  "sandboxes:read",
  "sandboxes:write",
  "events:read",
  "admin",
];

/** `POST /v1/keys`. */
export interface CreateKeyRequest {
  name: string;
  /** Default: the caller's own. */
  orgId?: string;
  /** Default: `["admin"]` for the operator's organisation, "default", where the caller has it, else none. */
  scopes?: Scope[];
  /** ISO 8601, in the future. Default: it does not expire. */
  expiresAt?: string;
}
/** `POST /v1/keys/{keyId}/rotate`. */
export interface RotateKeyRequest {
  /** How long the old secret works beside the new one. Milliseconds, at most 7 days; default 0. */
  graceMs?: number;
}
/** A key as listed: never its secret. */
export interface KeyInfo {
  id: string;
  name: string;
  orgId: string;
  scopes: Scope[];
  createdAt: string;
  /** ISO 8601; absent where it does not expire. */
  expiresAt?: string;
  /** To the minute; absent where it was not used yet. Of a configured key, since the daemon's start. */
  lastUsedAt?: string;
  /** While the secret from before a rotation works too: until when. */
  graceUntil?: string;
}
export interface CreatedKey extends KeyInfo {
  /** Shown once. */
  key: string;
  /** It is the key that was asked with: who keeps that one has to keep this secret in its place. Of a rotation alone. */
  isOwn?: boolean;
}

export interface KeyList {
  items: KeyInfo[];
}

/** `POST /v1/console/links`: a way into the web console that works once. */
export interface ConsoleLink {
  /** Of the daemon's address; the token stands behind the `#`, which no server and no log gets to see. */
  path: string;
  /** ISO 8601: when the link is over, used or not. */
  expiresAt: string;
}
