import type { DurableLog } from "../log/durable-log.ts";
import { readTelemetryRecord, type TelemetryHead } from "./telemetry-record.ts";
import { type Reach, UndeliveredBytes } from "./undelivered-bytes.ts";

/** Up to there the log is anybody's. */
const FREE_PART = 1 / 2;
/** What is shared: a whole segment goes at once (an eighth), and other things than requests stand in the log as well. */
const SHARED_PART = 3 / 4;
/** What a request takes of the log beside its body: its head, and what frames it. */
const RECORD_OVERHEAD_BYTES = 160;
/** How often it is looked what was delivered. */
const LOOK_EVERY_MS = 100;
/** When to come again: until then something may have been delivered. */
const RETRY_MS = 5_000;

type Owner = Pick<TelemetryHead, "orgId" | "sandboxId" | "destinationId" | "isForwardOnly">;

export interface LogSharesParts {
  readonly log: DurableLog;
  /** Of the log. */
  readonly maxBytes: number;
  /**
   * Destinations that may still deliver, by whose telemetry they get (see {@link reachOf}), and the first position that the
   * hindmost of them has not dealt with.
   */
  waiting(): ReadonlyMap<Reach, number>;
  /** What waits could not be counted. */
  onProblem(message: string, error: unknown): void;
}

/** The daemon's own destinations that get everything, those of one organisation, and one of a sandbox's owner. */
export const reachOf = {
  all: "all" as Reach,
  organisation: (orgId: string): Reach => `org:${orgId}`,
  destination: (id: string): Reach => `destination:${id}`,
};

/**
 * Shares the log of telemetry out among senders, for when it is where everything waits: its oldest segment goes once it is full,
 * whoever that holds requests of. So one that has more waiting than its share of the log is told to come again while others have
 * something waiting too, and the log is half full. Alone it may use all of it: what goes then is its own.
 *
 * What waits is counted in memory, at a cost that does not depend on how much it is, and read from the log after a restart.
 */
export class LogShares {
  readonly #parts: LogSharesParts;
  readonly #bytes = new UndeliveredBytes();
  readonly #stopping = new AbortController();
  #reading: Promise<void> = Promise.resolve();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: LogSharesParts) {
    this.#parts = parts;
  }

  /** How long the sender should wait until it sends so many bytes, in milliseconds; 0: it may now. */
  waitFor(owner: Owner, bytes: number): number {
    this.#lookSometimes();
    const { maxBytes } = this.#parts;
    const size = bytes + RECORD_OVERHEAD_BYTES;
    if (this.#bytes.total + size <= maxBytes * FREE_PART) return 0;
    const own = this.#bytes.of(senderOf(owner));
    const senders = own === 0 ? this.#bytes.senders + 1 : this.#bytes.senders;
    return senders > 1 && own + size > (maxBytes * SHARED_PART) / senders ? RETRY_MS : 0;
  }

  /** A record of the log, in its order. */
  add(owner: Owner, position: number, bytes: number): void {
    this.#lookSometimes();
    const sender = senderOf(owner);
    for (const reach of reachesOf(owner)) {
      this.#bytes.add(reach, position, sender, bytes + RECORD_OVERHEAD_BYTES);
    }
  }

  /** Looks what was delivered, and who is to deliver: as soon as that changes. */
  look(): void {
    const { log, waiting } = this.#parts;
    this.#lookedAt = performance.now();
    const now = waiting();
    for (const reach of [...this.#bytes.reaches]) if (!now.has(reach)) this.#bytes.end(reach);
    const added = [...now].filter(([reach]) => !this.#bytes.has(reach));
    for (const [reach] of added) this.#bytes.begin(reach);
    if (added.some(([, from]) => from <= log.lastPosition)) this.#readBefore(new Map(added));
    // What retention took waits no more.
    for (const [reach, from] of now) this.#bytes.delivered(reach, Math.max(from, log.oldestPosition));
  }

  /** Resolves when everything that was in the log is counted. */
  counted(): Promise<void> {
    return this.#reading;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reading;
  }

  #lookSometimes(): void {
    if (performance.now() - this.#lookedAt > LOOK_EVERY_MS) this.look();
  }

  #readBefore(from: ReadonlyMap<Reach, number>): void {
    const to = this.#parts.log.lastPosition;
    this.#reading = this.#reading
      .then(() => this.#count(from, to))
      .catch((error: unknown) => this.#parts.onProblem("what waits in the log was not counted", error));
  }

  /** @param from of each group, what it has not got */
  async #count(from: ReadonlyMap<Reach, number>, to: number): Promise<void> {
    const { signal } = this.#stopping;
    const first = Math.min(...from.values());
    for await (const items of this.#parts.log.readBatches({ from: first, to, signal })) {
      for (const item of items) {
        const record = "payload" in item ? readTelemetryRecord(item.payload) : undefined;
        if (record === undefined || !("payload" in item)) continue;
        const { position } = item;
        for (const reach of reachesOf(record)) {
          if ((from.get(reach) ?? Number.POSITIVE_INFINITY) > position) continue;
          this.#bytes.addBefore(
            reach,
            position,
            senderOf(record),
            record.body.length + RECORD_OVERHEAD_BYTES,
          );
        }
      }
    }
  }
}

/** A sandbox, or all programs together that send with an organisation's keys. */
function senderOf({ sandboxId, orgId }: Owner): string {
  return sandboxId === "" ? `org:${orgId}` : sandboxId;
}

function reachesOf({ orgId, destinationId, isForwardOnly }: Owner): Reach[] {
  const reaches = isForwardOnly ? [] : [reachOf.all, reachOf.organisation(orgId)];
  if (destinationId !== "") reaches.push(reachOf.destination(destinationId));
  return reaches;
}
