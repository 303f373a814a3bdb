import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { SandglassError } from "@sandglass/protocol";

/** Ids that are claimed at once: a claim takes a descriptor for as long as the daemon runs. */
const CLAIM_SIZE = 64;

interface Options {
  /** The first of them on the host. */
  first: number;
  count: number;
}

/**
 * The subordinate ids of an ordinary user, one for each sandbox. Several daemons may have the same ones: they have one user, or the
 * administrator gave two users the same. So each claims what it hands out for the whole host, by a socket in the kernel's abstract
 * namespace. It is there at once, needs no directory that all of them can write to, and goes with the daemon, however that ends.
 *
 * Whoever takes the names can keep ids from being handed out, and learns nothing. Daemons in networks of their own do not see each other's.
 */
export class SubordinateIds {
  readonly #first: number;
  readonly #count: number;
  /** As the user namespace numbers them, from 1 on. Recently used ones come last. */
  readonly #free: number[] = [];
  /** By their first id on the host. */
  readonly #claims = new Map<number, Server>();
  #claiming: Promise<void> | undefined;

  constructor({ first, count }: Options) {
    this.#first = first;
    this.#count = count;
  }

  /**
   * An id, as the user namespace numbers them, that no sandbox of this host has.
   *
   * @throws SandglassError DRIVER_ERROR where all of them are in use
   */
  async take(): Promise<number> {
    for (;;) {
      const id = this.#free.shift();
      if (id !== undefined) return id;
      this.#claiming ??= this.#claim().finally(() => {
        this.#claiming = undefined;
      });
      await this.#claiming;
    }
  }

  release(id: number): void {
    this.#free.push(id);
  }

  close(): void {
    for (const claim of this.#claims.values()) claim.close();
  }

  /** The same ids make the same claims, wherever a user's block begins. */
  async #claim(): Promise<void> {
    const end = this.#first + this.#count;
    for (let start = this.#first - (this.#first % CLAIM_SIZE); start < end; start += CLAIM_SIZE) {
      if (this.#claims.has(start)) continue;
      const claim = await claimed(start);
      if (claim === undefined) continue;
      this.#claims.set(start, claim);
      for (let id = Math.max(start, this.#first); id < Math.min(start + CLAIM_SIZE, end); id++)
        this.#free.push(id - this.#first + 1);
      return;
    }
    throw new SandglassError("DRIVER_ERROR", `all ${this.#count} subordinate ids are in use on this host`, {
      hint: "each sandbox takes one, and another daemon may have the same: usermod --add-subuids … --add-subgids …",
    });
  }
}

/** Undefined where another has it. */
async function claimed(start: number): Promise<Server | undefined> {
  const server = createServer((stranger) => stranger.destroy());
  try {
    await once(server.listen(`\0sandglass/uids/${start}`).unref(), "listening");
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
}
