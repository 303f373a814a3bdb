import type { CreatedKey, KeyInfo, KeyList, Scope } from "@sandglass/protocol";
import type { Transport } from "./transport/transport.ts";

/** The API keys of the caller's organisation. */
export class Keys {
  readonly #transport: Transport;

  /** Reached as `client.keys`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a key for another user or program. Its secret is in this answer and never shown again. */
  async create(name: string, options: { orgId?: string; scopes?: Scope[] } = {}): Promise<CreatedKey> {
    const { orgId, scopes } = options;
    const json = { name, ...(orgId !== undefined && { orgId }), ...(scopes !== undefined && { scopes }) };
    return (await this.#transport.json<CreatedKey>({ route: "createKey", json })).value;
  }

  async list(): Promise<KeyInfo[]> {
    return (await this.#transport.json<KeyList>({ route: "listKeys" })).value.items;
  }

  /** The key stops working at once. @throws SandglassError KEY_NOT_FOUND */
  async revoke(keyId: string): Promise<void> {
    await this.#transport.json({ route: "revokeKey", params: { keyId } });
  }
}
