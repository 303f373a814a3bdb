import type { CreatedKey, KeyInfo, KeyList, Scope } from "@sandglass/protocol";
import type { Transport } from "./transport/transport.ts";

export interface CreateKeyOptions {
  orgId?: string;
  scopes?: Scope[];
  expiresAt?: Date;
}

/** The API keys of the caller's organisation. */
export class Keys {
  readonly #transport: Transport;

  /** Reached as `client.keys`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes a key for another user or program. Its secret is in this answer and never shown again.
   *
   * @param options `scopes` default to your own key's, `expiresAt` to never
   * @throws SandglassError FORBIDDEN where your key has not the scope `admin`
   * @example await client.keys.create("dashboard", { scopes: ["sandboxes:read", "events:read"] })
   */
  async create(name: string, options: CreateKeyOptions = {}): Promise<CreatedKey> {
    const { expiresAt, ...rest } = options;
    const json = { name, ...rest, ...(expiresAt !== undefined && { expiresAt: expiresAt.toISOString() }) };
    return (await this.#transport.json<CreatedKey>({ route: "createKey", json })).value;
  }

  /**
   * Gives the key a new secret, shown this once. The old one stops working at once, or after `graceMs` (at most 7 days): time to bring
   * the new one to whoever uses it.
   *
   * @throws SandglassError KEY_NOT_FOUND
   */
  async rotate(keyId: string, options: { graceMs?: number } = {}): Promise<CreatedKey> {
    const { graceMs } = options;
    const json = graceMs === undefined ? {} : { graceMs };
    return (await this.#transport.json<CreatedKey>({ route: "rotateKey", params: { keyId }, json })).value;
  }

  async list(): Promise<KeyInfo[]> {
    return (await this.#transport.json<KeyList>({ route: "listKeys" })).value.items;
  }

  /** The key stops working at once, and what is streaming with it is cut. @throws SandglassError KEY_NOT_FOUND */
  async revoke(keyId: string): Promise<void> {
    await this.#transport.json({ route: "revokeKey", params: { keyId } });
  }
}
