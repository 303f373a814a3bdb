import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CreatedKey, type KeyInfo, newKeyId, SandglassError, type Scope } from "@sandglass/protocol";
import type { ConfiguredKey } from "./config.ts";
import { writePrivateFile } from "./write-private-file.ts";

/** Of the operator; keys are of it unless they say otherwise. */
export const DEFAULT_ORG = "default";
/** What a key has that was made or configured without a word about scopes: the operator's may do everything. */
const scopesByDefault = (orgId: string): Scope[] => (orgId === DEFAULT_ORG ? ["admin"] : []);
const FORMAT = 1;
const MAX_KEYS = 10_000;

/** Who asks: of which organisation, and what its key may do beyond that. */
export type Caller = Readonly<Pick<KeyInfo, "orgId" | "scopes">>;

interface StoredKey extends KeyInfo {
  /**
   * SHA-256 of the key, hex. Plain and unsalted is enough: what is hashed has 256 random bits, so there is nothing to guess
   * that a slow hash would slow down.
   */
  sha256: string;
}

/**
 * The API keys of one daemon: those of its configuration, and those kept (hashed) in `keys.json` of the data directory.
 * Changes are on disk before they are answered, and count from then on.
 */
export class Keyring {
  readonly #path: string;
  /** By hash. */
  readonly #keys = new Map<string, StoredKey>();
  readonly #configured: ReadonlySet<string>;
  /** One write at a time, each with what was true when its turn came. */
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, stored: readonly StoredKey[], configured: readonly ConfiguredKey[]) {
    this.#path = path;
    for (const key of stored) this.#keys.set(key.sha256, key);
    const createdAt = new Date().toISOString();
    const ids = new Set<string>();
    for (const { name, orgId, secret } of configured) {
      const sha256 = digestOf(secret);
      // Stable across restarts, and says nothing about the secret.
      const id = `key_config_${name}`;
      this.#keys.set(sha256, { id, name, orgId, scopes: scopesByDefault(orgId), createdAt, sha256 });
      ids.add(id);
    }
    this.#configured = ids;
  }

  /** @throws Error where `keys.json` cannot be understood: starting without it would lock its users out silently */
  static async open(dataDir: string, configured: readonly ConfiguredKey[]): Promise<Keyring> {
    const path = join(dataDir, "keys.json");
    return new Keyring(path, await readStored(path), configured);
  }

  /** The key's entry, or undefined where it is none of ours. Takes the same time for either. */
  find(secret: string): KeyInfo | undefined {
    const sha256 = digestOf(secret);
    // The look-up's timing depends on the digest alone, which a caller cannot steer; the comparison below is constant in time.
    const key = this.#keys.get(sha256);
    const isEqual = timingSafeEqual(
      Buffer.from(sha256),
      Buffer.from(key?.sha256 ?? "0".repeat(sha256.length)),
    );
    return isEqual ? key : undefined;
  }

  /** Keys of the organisation; of all of them for the operator. */
  list(caller: Caller): KeyInfo[] {
    const seen = [...this.#keys.values()].filter((key) => isSeenBy(key, caller));
    return seen.map(({ sha256: _, ...info }) => info);
  }

  /**
   * Makes a key, keeps its hash and returns its plaintext, which is not kept.
   *
   * @param scopes default: all for the operator's organisation, none for others
   */
  async create(name: string, orgId: string, scopes = scopesByDefault(orgId)): Promise<CreatedKey> {
    if (this.#keys.size >= MAX_KEYS) {
      throw new SandglassError("FORBIDDEN", `there are ${MAX_KEYS} keys already`, {
        hint: "revoke some that are not used",
      });
    }
    const key = `sg_${randomBytes(32).toString("base64url")}`;
    const info: KeyInfo = { id: newKeyId(), name, orgId, scopes, createdAt: new Date().toISOString() };
    const stored = { ...info, sha256: digestOf(key) };
    this.#keys.set(stored.sha256, stored);
    try {
      await this.#save();
    } catch (error) {
      this.#keys.delete(stored.sha256);
      throw error;
    }
    return { ...info, key };
  }

  /**
   * @throws SandglassError KEY_NOT_FOUND where the caller sees none of this id; FORBIDDEN for one that may do more than the
   *   caller, and for a configured one, which would be back at the next start
   */
  async revoke(id: string, caller: Caller): Promise<void> {
    const key = [...this.#keys.values()].find(
      (candidate) => candidate.id === id && isSeenBy(candidate, caller),
    );
    if (key === undefined)
      throw new SandglassError("KEY_NOT_FOUND", `no key ${id}`, {
        hint: "list them with: sandglass keys list",
      });
    if (key.scopes.some((scope) => !caller.scopes.includes(scope))) {
      throw new SandglassError("FORBIDDEN", `key ${id} may do more than yours`, {
        hint: "ask the operator of this daemon",
      });
    }
    if (this.#configured.has(id)) {
      throw new SandglassError("FORBIDDEN", `key ${id} is part of the daemon's configuration`, {
        hint: "take it out of SANDGLASS_API_KEYS or the configuration file, and restart",
      });
    }
    this.#keys.delete(key.sha256);
    await this.#save();
  }

  #save(): Promise<void> {
    const save = this.#saving.then(() => {
      const keys = [...this.#keys.values()].filter((key) => !this.#configured.has(key.id));
      return writePrivateFile(this.#path, `${JSON.stringify({ format: FORMAT, keys }, null, 2)}\n`);
    });
    // A failed write is its caller's to handle; the next one begins anew.
    this.#saving = save.catch(() => undefined);
    return save;
  }
}

function isSeenBy(key: KeyInfo, caller: Caller): boolean {
  return key.orgId === caller.orgId || caller.scopes.includes("admin");
}

function digestOf(secret: string): string {
  return hash("sha256", secret, "hex");
}

async function readStored(path: string): Promise<StoredKey[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const parsed: { format?: unknown; keys?: unknown } = parse(text);
  if (parsed.format !== FORMAT || !Array.isArray(parsed.keys) || !parsed.keys.every(isStoredKey)) {
    throw new Error(
      `${path} is damaged or of another version; restore it, or move it away to begin without keys`,
    );
  }
  // Files from before there were scopes say nothing of them.
  return parsed.keys.map((key) => ({ ...key, scopes: key.scopes ?? scopesByDefault(key.orgId) }));
}

function parse(text: string): { format?: unknown; keys?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { format?: unknown; keys?: unknown };
  } catch {
    // Reported by the caller together with every other damage.
    return {};
  }
}

function isStoredKey(
  entry: unknown,
): entry is Omit<StoredKey, "scopes"> & Partial<Pick<StoredKey, "scopes">> {
  if (typeof entry !== "object" || entry === null) return false;
  const { id, name, orgId, createdAt, sha256, scopes = [] } = entry as Record<string, unknown>;
  const isText = [id, name, orgId, createdAt].every((field) => typeof field === "string");
  const areScopes = Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string");
  return isText && areScopes && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256);
}
