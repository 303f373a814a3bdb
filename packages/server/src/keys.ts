import { timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { type CreatedKey, type KeyInfo, newKeyId, SandglassError, type Scope } from "@sandglass/protocol";
import { type Caller, hasScope, isOperator } from "./caller.ts";
import type { ConfiguredKey } from "./config.ts";
import type { Session } from "./console/session.ts";
import { digestOf, newSecret } from "./key-secret.ts";
import { readStoredKeys, type StoredKey, writeStoredKeys } from "./stored-keys.ts";

const MAX_KEYS = 10_000;
const MINUTE_MS = 60_000;
/** How long a key's last use may be known to memory alone. */
const SAVE_USES_MS = 5 * MINUTE_MS;
/** Longest wait of one timer; what ends later is looked at again. */
const MAX_TIMER_MS = 24 * 60 * MINUTE_MS;
const NOBODY = "0".repeat(64);

/** What a request was let in with. */
export interface KeyUse {
  readonly key: KeyInfo;
  /** Names the secret within this daemon's memory; never shown. */
  readonly digest: string;
  /** It came by a session of the console, not by the key itself, and ends with that too. */
  readonly session?: Pick<Session, "isOver" | "hold">;
}

export interface NewKey {
  name: string;
  orgId: string;
  /** Default: `admin`, of that organisation. */
  scopes?: readonly Scope[];
  /** ISO 8601. */
  expiresAt?: string;
}

/**
 * The API keys of one daemon: those of its configuration, and those kept (hashed) in `keys.json` of the data directory.
 * Changes are on disk before they are answered, and count from then on.
 */
export class Keyring {
  readonly #path: string;
  readonly #byId = new Map<string, StoredKey>();
  /** Of current secrets, and of those from before a rotation. */
  readonly #byDigest = new Map<string, StoredKey>();
  readonly #configured = new Set<string>();
  readonly #holders = new Map<string, Set<() => void>>();
  readonly #onProblem: (error: unknown) => void;
  /** Told when what was let in may not be any more. */
  onChange: () => void = () => undefined;
  /** One write at a time, each with what was true when its turn came. */
  #saving: Promise<void> = Promise.resolve();
  #areUsesSaved = true;
  #saveTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;

  private constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  /**
   * @param onProblem told where the keys' last uses could not be written down, which nobody waits for
   * @throws Error where `keys.json` cannot be understood: starting without it would lock its users out silently
   */
  static async open(
    dataDir: string,
    configured: readonly ConfiguredKey[],
    onProblem: (error: unknown) => void = () => undefined,
  ): Promise<Keyring> {
    const path = join(dataDir, "keys.json");
    const keyring = new Keyring(path, onProblem);
    for (const key of await readStoredKeys(path)) keyring.#put(key);
    const createdAt = new Date().toISOString();
    for (const { name, orgId, secret } of configured) {
      // Stable across restarts, and says nothing about the secret.
      const id = `key_config_${name}`;
      keyring.#configured.add(id);
      keyring.#put({ id, name, orgId, scopes: ["admin"], createdAt, sha256: digestOf(secret) });
    }
    keyring.#awaitEnds();
    return keyring;
  }

  /** The key's entry, or undefined where it is none of ours, or is over. Takes the same time for either. */
  find(secret: string): KeyUse | undefined {
    return this.recall(digestOf(secret));
  }

  /** As {@link find}, for who was let in before: by the digest of then, of a secret that may be over by now. */
  recall(digest: string): KeyUse | undefined {
    // The look-up's timing depends on the digest alone, which a caller cannot steer; the comparison below is constant in time.
    const key = this.#byDigest.get(digest);
    const known = key === undefined ? NOBODY : key.sha256 === digest ? key.sha256 : key.previous?.sha256;
    const isEqual = timingSafeEqual(Buffer.from(digest), Buffer.from(known ?? NOBODY));
    if (!isEqual || key === undefined || endOf(key, digest) <= Date.now()) return undefined;
    this.#note(key);
    return { key: infoOf(key), digest };
  }

  /** Whether what was let in then would be let in now. */
  isValid({ digest }: KeyUse): boolean {
    const key = this.#byDigest.get(digest);
    return key !== undefined && endOf(key, digest) > Date.now();
  }

  /** Calls `cut`, at most once, when the secret of then is over: it ends what goes on for long. Returns what to call when that has ended itself. */
  hold(use: KeyUse, cut: () => void): () => void {
    if (!this.isValid(use)) {
      cut();
      return () => undefined;
    }
    const { digest } = use;
    const holders = this.#holders.get(digest) ?? new Set();
    this.#holders.set(digest, holders.add(cut));
    return () => {
      holders.delete(cut);
      if (holders.size === 0 && this.#holders.get(digest) === holders) this.#holders.delete(digest);
    };
  }

  /** Keys of the organisation; of all of them for the operator. */
  list(caller: Caller): KeyInfo[] {
    return [...this.#byId.values()].filter((key) => isSeenBy(key, caller)).map(infoOf);
  }

  /**
   * Makes a key, keeps its hash and returns its plaintext, which is not kept.
   * @throws SandglassError FORBIDDEN where there are too many; what writing fails with
   */
  async create({ name, orgId, scopes = ["admin"], expiresAt }: NewKey): Promise<CreatedKey> {
    if (this.#byId.size >= MAX_KEYS) {
      throw new SandglassError("FORBIDDEN", `there are ${MAX_KEYS} keys already`, {
        hint: "revoke some that are not used",
      });
    }
    const secret = newSecret();
    const key: StoredKey = {
      id: newKeyId(),
      name,
      orgId,
      scopes: [...scopes],
      createdAt: new Date().toISOString(),
      ...(expiresAt !== undefined && { expiresAt }),
      sha256: digestOf(secret),
    };
    this.#put(key);
    try {
      await this.#save();
    } catch (error) {
      this.#drop(key);
      throw error;
    }
    this.#awaitEnds();
    return { ...infoOf(key), key: secret };
  }

  /**
   * Gives a key a new secret. The one before works for `graceMs` more; one from before that ends now.
   *
   * @throws SandglassError as {@link revoke}; what writing fails with, having changed nothing
   */
  async rotate(id: string, graceMs: number, caller: Caller): Promise<CreatedKey> {
    const before = this.#changeable(id, caller);
    const secret = newSecret();
    const { previous, ...rest } = before;
    const after: StoredKey = { ...rest, sha256: digestOf(secret) };
    if (graceMs > 0)
      after.previous = { sha256: before.sha256, until: new Date(Date.now() + graceMs).toISOString() };
    this.#drop(before);
    this.#put(after);
    try {
      await this.#save();
    } catch (error) {
      // Unless it was revoked meanwhile.
      if (this.#byId.get(id) === after) {
        this.#drop(after);
        this.#put(before);
      }
      throw error;
    }
    if (previous !== undefined) this.#cut(previous.sha256);
    if (graceMs === 0) this.#cut(before.sha256);
    this.onChange();
    this.#awaitEnds();
    return { ...infoOf(after), key: secret };
  }

  /**
   * @throws SandglassError KEY_NOT_FOUND where the caller sees none of this id; FORBIDDEN for one that may do more than the
   *   caller, and for a configured one, which would be back at the next start
   */
  async revoke(id: string, caller: Caller): Promise<void> {
    const key = this.#changeable(id, caller);
    this.#drop(key);
    this.#cut(key.sha256);
    if (key.previous !== undefined) this.#cut(key.previous.sha256);
    this.onChange();
    await this.#save();
  }

  /** Writes down when keys were last used. */
  async close(): Promise<void> {
    clearTimeout(this.#saveTimer);
    clearTimeout(this.#endTimer);
    if (!this.#areUsesSaved) await this.#save();
    await this.#saving;
  }

  #changeable(id: string, caller: Caller): StoredKey {
    const key = this.#byId.get(id);
    if (key === undefined || !isSeenBy(key, caller)) {
      throw new SandglassError("KEY_NOT_FOUND", `no key ${id.slice(0, 64)}`, {
        hint: "list them with: sandglass keys list",
      });
    }
    if (key.scopes.some((scope) => !hasScope(caller, scope))) {
      throw new SandglassError("FORBIDDEN", `key ${id} may do more than yours`, {
        hint: "ask the operator of this daemon",
      });
    }
    if (!this.#configured.has(id)) return key;
    throw new SandglassError("FORBIDDEN", `key ${id} is part of the daemon's configuration`, {
      hint: "change SANDGLASS_API_KEYS or the configuration file, and restart",
    });
  }

  #put(key: StoredKey): void {
    this.#byId.set(key.id, key);
    this.#byDigest.set(key.sha256, key);
    if (key.previous !== undefined) this.#byDigest.set(key.previous.sha256, key);
  }

  #drop(key: StoredKey): void {
    this.#byId.delete(key.id);
    // A configured key may have the same secret.
    for (const digest of [key.sha256, key.previous?.sha256 ?? ""]) {
      if (this.#byDigest.get(digest) === key) this.#byDigest.delete(digest);
    }
  }

  #cut(digest: string): void {
    const holders = this.#holders.get(digest) ?? [];
    this.#holders.delete(digest);
    for (const cut of holders) cut();
  }

  /** To the minute, and to the disk now and then: a request costs no write. */
  #note(key: StoredKey): void {
    const now = Date.now();
    if (now - Date.parse(key.lastUsedAt ?? "1970-01-01T00:00:00Z") < MINUTE_MS) return;
    key.lastUsedAt = new Date(now - (now % MINUTE_MS)).toISOString();
    if (this.#configured.has(key.id) || !this.#areUsesSaved) return;
    this.#areUsesSaved = false;
    this.#saveTimer = setTimeout(() => void this.#save().catch(this.#onProblem), SAVE_USES_MS).unref();
  }

  /** Waits for the next secret to be over, and cuts what was begun with those that are. */
  #awaitEnds(): void {
    clearTimeout(this.#endTimer);
    const now = Date.now();
    let next = Infinity;
    for (const [digest, key] of this.#byDigest) {
      const end = endOf(key, digest);
      if (end > now) next = Math.min(next, end);
      else this.#cut(digest);
    }
    if (next === Infinity) return;
    this.#endTimer = setTimeout(() => this.#awaitEnds(), Math.min(next - now, MAX_TIMER_MS)).unref();
  }

  #save(): Promise<void> {
    const save = this.#saving.then(() => {
      clearTimeout(this.#saveTimer);
      this.#areUsesSaved = true;
      return writeStoredKeys(
        this.#path,
        [...this.#byId.values()].filter((key) => !this.#configured.has(key.id)),
      );
    });
    // A failed write is its caller's to handle; the next one begins anew.
    this.#saving = save.catch(() => undefined);
    return save;
  }
}

function isSeenBy(key: StoredKey, caller: Caller): boolean {
  return key.orgId === caller.orgId || isOperator(caller);
}

/** Epoch milliseconds until which a secret of the key works; Infinity where nothing ends it. */
function endOf({ sha256, expiresAt, previous }: StoredKey, digest: string): number {
  const expiry = expiresAt === undefined ? Infinity : Date.parse(expiresAt);
  return digest === sha256 || previous === undefined ? expiry : Math.min(expiry, Date.parse(previous.until));
}

/** Without the hashes. */
function infoOf({ sha256: _, previous, ...info }: StoredKey): KeyInfo {
  if (previous === undefined || Date.parse(previous.until) <= Date.now()) return info;
  return { ...info, graceUntil: previous.until };
}
