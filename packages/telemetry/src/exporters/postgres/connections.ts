import type { Client, ClientConfig } from "pg";
import { RowsRefusedError } from "./database-error.ts";

/** By process id, and only sessions like ours: the id may be someone else's by now. */
const END_ABANDONED =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY ($1) AND usename = current_user " +
  "AND application_name = current_setting('application_name')";

/**
 * Connections to one database, as many as are used at once, kept open in between. One that failed at anything but its rows is
 * closed, and so are those that wait: after a restart or a failover they lead nowhere.
 */
export class Connections {
  readonly #configure: () => Promise<ClientConfig>;
  readonly #open = new Set<Client>();
  #idle: Client[] = [];
  /** Sessions at the server whose connection was cut at work. One that waits for a lock would not notice, and wait on. */
  #abandoned: number[] = [];

  constructor(configure: () => Promise<ClientConfig>) {
    this.#configure = configure;
  }

  /** Gives `work` a connection of its own. When `signal` fires it is cut, and `work` rejects. */
  async use<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    const idle = this.#idle.pop();
    const client = idle ?? (await this.#create());
    const cut = () => this.#cut(client);
    signal.addEventListener("abort", cut, { once: true });
    try {
      signal.throwIfAborted();
      if (idle === undefined) await this.#connect(client);
      const result = await work(client);
      this.#keep(client);
      return result;
    } catch (error) {
      if (error instanceof RowsRefusedError) this.#keep(client);
      else for (const each of [client, ...this.#idle]) this.#close(each);
      throw error;
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }

  /** Closes all. */
  close(): void {
    for (const client of this.#open) this.#close(client);
  }

  async #create(): Promise<Client> {
    const { Client } = await import("pg");
    const client = new Client(await this.#configure());
    this.#open.add(client);
    // Says also that a connection that nobody uses was lost. Work that is under way rejects by itself.
    client.on("error", () => this.#close(client));
    return client;
  }

  async #connect(client: Client): Promise<void> {
    await client.connect();
    const abandoned = this.#abandoned;
    this.#abandoned = [];
    if (abandoned.length > 0) await client.query(END_ABANDONED, [abandoned]);
  }

  #keep(client: Client): void {
    if (this.#open.has(client)) this.#idle.push(client);
  }

  #cut(client: Client): void {
    const { processID } = client as { processID?: number | null };
    if (processID) this.#abandoned.push(processID);
    this.#close(client);
  }

  /** At once: a server that does not answer would not take part in a farewell. */
  #close(client: Client): void {
    this.#open.delete(client);
    this.#idle = this.#idle.filter((each) => each !== client);
    client.connection.stream.destroy();
  }
}
