import type { Socket } from "node:net";

/** A connection that is being served. */
export interface OpenConnection {
  readonly socket: Socket;
  readonly tenantId: string;
}

/** The connections that are open, by whose they are. */
export class OpenConnections<Connection extends OpenConnection> {
  readonly #byTenant = new Map<string, Set<Connection>>();
  /** Who waits for a tenant to have none. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Until its socket is closed. */
  add(connection: Connection): void {
    const { socket, tenantId } = connection;
    const ofTenant = this.#byTenant.get(tenantId);
    if (ofTenant === undefined) this.#byTenant.set(tenantId, new Set([connection]));
    else ofTenant.add(connection);
    socket.once("close", () => this.#remove(connection));
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const connections of this.#byTenant.values()) yield* connections;
  }

  ofTenant(tenantId: string): ReadonlySet<Connection> {
    return this.#byTenant.get(tenantId) ?? new Set();
  }

  /** Resolves when the tenant has none: they are not closed by this. */
  none(tenantId: string): Promise<void> {
    if (!this.#byTenant.has(tenantId)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(tenantId);
      if (waiting === undefined) this.#waiting.set(tenantId, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Resolves when there is none of anybody. */
  async noneAtAll(): Promise<void> {
    await Promise.all([...this.#byTenant.keys()].map((tenantId) => this.none(tenantId)));
  }

  #remove(connection: Connection): void {
    const { tenantId } = connection;
    const ofTenant = this.#byTenant.get(tenantId);
    ofTenant?.delete(connection);
    if (ofTenant === undefined || ofTenant.size > 0) return;
    this.#byTenant.delete(tenantId);
    for (const resolve of this.#waiting.get(tenantId) ?? []) resolve();
    this.#waiting.delete(tenantId);
  }
}
