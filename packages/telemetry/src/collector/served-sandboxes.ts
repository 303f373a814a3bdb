import { setTimeout as delay } from "node:timers/promises";
import { type SandboxTelemetry, SandglassError } from "@sandglass/protocol";
import { CollectorEnded, type CollectorLink } from "./collector-link.ts";
import type { SandboxOwner } from "./messages.ts";
import { SandboxTotals } from "./sandbox-totals.ts";

/** Longest that a sandbox's creation waits for a process that is being started. */
const WAIT_MS = 10_000;
/** How many are handed to a new process at once: each takes two sockets that wait to be taken. */
const AT_ONCE = 16;
/** Before it is looked again whether there is a process. */
const LOOK_AGAIN_MS = 20;
const OPEN_TRIES = 5;
/** Before one that could not be handed over is tried again; twice as long each time. */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5_000;

/** Listening sockets as Node hands them around. */
export interface SandboxSockets {
  readonly http: object;
  readonly grpc: object;
}

interface Entry {
  open(): Promise<SandboxSockets>;
  owner: SandboxOwner | undefined;
  /** Where its owner wants its telemetry; "" where that was not said. */
  destinationId: string;
  /** The process that serves it. */
  servedBy: number;
  serving: Promise<void> | undefined;
  readonly sent: SandboxTotals;
}

/** The sandboxes that the collector's process serves, handed over anew to each process that takes the place of one. */
export class ServedSandboxes {
  readonly #link: CollectorLink;
  readonly #entries = new Map<string, Entry>();

  constructor(link: CollectorLink) {
    this.#link = link;
  }

  /** See `Collector.attach`. @throws SandglassError DRIVER_ERROR where no process comes in time */
  async attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void> {
    const entry: Entry = {
      ...{ open, owner: undefined, destinationId: "", servedBy: 0, serving: undefined },
      sent: new SandboxTotals(),
    };
    this.#entries.set(sandboxId, entry);
    await inTime(this.#serve(sandboxId, entry));
  }

  /**
   * @returns its destination; undefined where its owner named none
   * @throws SandglassError INVALID_REQUEST for a destination that cannot be, DRIVER_ERROR where no process comes in time
   */
  claim(sandboxId: string, owner: SandboxOwner): Promise<string | undefined> {
    const entry = this.#entries.get(sandboxId);
    if (entry === undefined) return Promise.reject(new Error(`${sandboxId} is not attached`));
    return inTime(this.#claim(sandboxId, entry, owner));
  }

  has(sandboxId: string): boolean {
    return this.#entries.has(sandboxId);
  }

  /** Of a sandbox that is served; "" where its owner named none. */
  destinationOf(sandboxId: string): string {
    return this.#entries.get(sandboxId)?.destinationId ?? "";
  }

  /** What some of them have sent. */
  hear(sent: Readonly<Record<string, SandboxTelemetry>>): void {
    for (const [sandboxId, telemetry] of Object.entries(sent))
      this.#entries.get(sandboxId)?.sent.hear(telemetry, this.#link.generation);
  }

  /** What a sandbox that is served has sent, up to a second ago; undefined where that is nothing. */
  telemetryOf(sandboxId: string): SandboxTelemetry | undefined {
    return this.#entries.get(sandboxId)?.sent.total();
  }

  /** @returns all that it sent; undefined where that is nothing */
  async detach(sandboxId: string): Promise<SandboxTelemetry | undefined> {
    const entry = this.#entries.get(sandboxId);
    if (entry === undefined) return undefined;
    this.#entries.delete(sandboxId);
    // A process that is being handed its sockets would listen for nobody. Whoever had it served hears of a failure.
    await entry.serving?.catch(() => undefined);
    try {
      const { generation } = this.#link;
      const sent = await this.#link.ask({ kind: "detach", sandboxId });
      if (sent !== undefined) entry.sent.hear(sent as SandboxTelemetry, generation);
    } catch (error) {
      // What it served has ended with it.
      if (!(error instanceof CollectorEnded)) throw error;
    }
    return entry.sent.total();
  }

  /**
   * To a process that is new. Resolves when each was tried once; one that cannot be handed over is tried again for as long as it is
   * there.
   *
   * @param failed told of those, once each
   */
  async serveAgain(failed: (sandboxId: string, error: unknown) => void): Promise<void> {
    const waiting = [...this.#entries];
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [sandboxId, entry] = next;
        try {
          await this.#serve(sandboxId, entry);
        } catch (error) {
          failed(sandboxId, error);
          void this.#keepTrying(sandboxId, entry);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** Never rejects: what keeps it from being served has been told of. */
  async #keepTrying(sandboxId: string, entry: Entry): Promise<void> {
    let isServed = false;
    for (let waitMs = RETRY_MS; !isServed; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      await delay(waitMs, undefined, { ref: false });
      if (this.#entries.get(sandboxId) !== entry) return;
      isServed = await this.#serve(sandboxId, entry).then(
        () => true,
        () => false,
      );
    }
  }

  async #claim(sandboxId: string, entry: Entry, owner: SandboxOwner): Promise<string | undefined> {
    for (;;) {
      await this.#serve(sandboxId, entry);
      try {
        const value = await this.#link.ask({ kind: "claim", sandboxId, owner });
        entry.owner = owner;
        entry.destinationId = (value as { destinationId: string }).destinationId;
        return entry.destinationId || undefined;
      } catch (error) {
        if (!(error instanceof CollectorEnded)) throw error;
        await delay(LOOK_AGAIN_MS);
      }
    }
  }

  /** Resolves when the process that is there serves it. */
  #serve(sandboxId: string, entry: Entry): Promise<void> {
    if (entry.serving === undefined && this.#isServed(entry)) return Promise.resolve();
    entry.serving ??= this.#hand(sandboxId, entry).finally(() => {
      entry.serving = undefined;
    });
    return entry.serving;
  }

  #isServed(entry: Entry): boolean {
    return this.#link.isServing && entry.servedBy === this.#link.generation;
  }

  async #hand(sandboxId: string, entry: Entry): Promise<void> {
    while (!this.#isServed(entry) && this.#entries.get(sandboxId) === entry) {
      await this.#link.ready();
      const { generation } = this.#link;
      const sockets = await openAgain(entry);
      if (this.#entries.get(sandboxId) !== entry) return close(sockets);
      try {
        await Promise.all([
          this.#link.ask({ kind: "attach", sandboxId, transport: "http" }, sockets.http),
          this.#link.ask({ kind: "attach", sandboxId, transport: "grpc" }, sockets.grpc),
        ]);
        if (entry.owner !== undefined) await this.#link.ask({ kind: "claim", sandboxId, owner: entry.owner });
        entry.servedBy = generation;
      } catch (error) {
        close(sockets);
        if (!(error instanceof CollectorEnded)) throw error;
        await delay(LOOK_AGAIN_MS);
      }
    }
  }
}

/** The sockets that a process had which is ending are closed in a moment. */
async function openAgain({ open }: Entry): Promise<SandboxSockets> {
  for (let tries = 1; tries < OPEN_TRIES; tries++) {
    try {
      return await open();
    } catch {
      await delay(LOOK_AGAIN_MS * tries);
    }
  }
  return open();
}

function close({ http, grpc }: SandboxSockets): void {
  for (const socket of [http, grpc]) (socket as { close?(): void }).close?.();
}

/** Nobody waits for ever for a process that does not come: why it does not, its operator has been told. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const hint = "the daemon's log says why; it goes on by itself once it is there";
    reject(new SandglassError("DRIVER_ERROR", "the collector of telemetry is not there", { hint }));
  }, WAIT_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
