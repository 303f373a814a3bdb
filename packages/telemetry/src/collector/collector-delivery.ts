import { join } from "node:path";
import type { FlushResult } from "@sandglass/protocol";
import type { DurableLog } from "../log/durable-log.ts";
import type { Erased } from "../log/rewrite-segment.ts";
import type { Erasure } from "../record/erasure.ts";
import type { DaemonLine } from "./daemon-line.ts";
import { eraseTelemetry } from "./erase-telemetry.ts";
import { DestinationStore } from "./forward/destination-store.ts";
import { Forwarder } from "./forward/forwarder.ts";
import { LogShares, reachOf } from "./log-shares.ts";
import type {
  CollectorSettings,
  CollectorSnapshot,
  ForwardSnapshot,
  RelayTarget,
  SandboxOwner,
} from "./messages.ts";
import { RelayDelivery } from "./relay-delivery.ts";
import { SentItems } from "./sent-items.ts";
import { TelemetryDerivation } from "./telemetry-derivation.ts";
import type { Reach } from "./undelivered-bytes.ts";

/** All that reads the log of telemetry: the daemon's own destinations, those of sandboxes' owners, and what is made into events. */
export class CollectorDelivery {
  readonly #log: DurableLog;
  readonly #store: DestinationStore;
  readonly #startForwarder: () => Forwarder;
  /** Reads the whole log: not there before a sandbox is forwarded. */
  #forwarder: Forwarder | undefined;
  readonly #relays: RelayDelivery;
  readonly #sentToOwners = new SentItems();
  /** Who may put how much into the log. */
  readonly shares: LogShares;
  /** Told of every request that is kept. */
  readonly derivation: TelemetryDerivation;
  readonly #onProblem: (message: string, error?: unknown) => void;

  static async open(
    log: DurableLog,
    settings: CollectorSettings,
    line: DaemonLine,
    onProblem: (message: string, error?: unknown) => void,
  ): Promise<CollectorDelivery> {
    const { dataDir, cwd, ownOrigins } = settings;
    const store = await DestinationStore.open(join(dataDir, "otel-destinations"), {
      cwd,
      ownOrigins,
      onProblem,
    });
    return new CollectorDelivery(log, store, settings, line, onProblem);
  }

  private constructor(
    log: DurableLog,
    store: DestinationStore,
    settings: CollectorSettings,
    line: DaemonLine,
    onProblem: (message: string, error?: unknown) => void,
  ) {
    this.#log = log;
    this.#store = store;
    this.#startForwarder = () =>
      Forwarder.start({
        log,
        store,
        deadLetterPath: join(settings.dataDir, "dead-letters", "forwarded.telemetry.jsonl"),
        counted: this.#sentToOwners,
        retry: settings.retry,
        onStall: (id, reason, lagEvents) =>
          line.post({ kind: "stalled", id: exporterOf(id), orgId: store.find(id)?.orgId, reason, lagEvents }),
        onRecover: (id, stalledMs) =>
          line.post({ kind: "recovered", id: exporterOf(id), orgId: store.find(id)?.orgId, stalledMs }),
        onProblem,
      });
    this.#onProblem = onProblem;
    if (store.all().length > 0) this.#forwarder = this.#startForwarder();
    // Else nothing is kept for it.
    else log.detachReader(FORWARD_READER);
    this.#relays = new RelayDelivery(log, settings, line.post);
    this.derivation = new TelemetryDerivation(log, settings.derive, line, onProblem);
    const { maxBytes } = settings;
    this.shares = new LogShares({ log, maxBytes, waiting: () => this.#waiting(), onProblem });
    this.shares.look();
  }

  async relay(targets: readonly RelayTarget[]): Promise<void> {
    await this.#relays.configure(targets);
    this.shares.look();
  }

  #waiting(): ReadonlyMap<Reach, number> {
    const positions = this.#relays.waiting();
    for (const [id, position] of this.#forwarder?.waiting() ?? [])
      positions.set(reachOf.destination(id), position);
    return positions;
  }

  /** @returns where its owner wants the sandbox's telemetry; "" where that was not said */
  async acquire(sandboxId: string, { orgId, destination, isTrusted }: SandboxOwner): Promise<string> {
    if (destination === undefined) return "";
    const { id } = await this.#store.acquire({ sandboxId, orgId, env: destination.env, isTrusted });
    this.#forward();
    this.shares.look();
    return id;
  }

  /** From now on: nothing that is in the log already is for a destination that is there. */
  #forward(): void {
    if (this.#forwarder !== undefined) return;
    const { lastPosition } = this.#log;
    this.#log
      .readerAt(FORWARD_READER, { from: "end" })
      .commit(lastPosition, { readTo: lastPosition, owed: {} })
      .catch((error: unknown) => this.#onProblem("the cursor of forwarding was not written", error));
    this.#forwarder = this.#startForwarder();
  }

  async end(sandboxIds: readonly string[]): Promise<void> {
    for (const sandboxId of sandboxIds) await this.#store.end(sandboxId, this.#log.lastPosition);
  }

  async endBefore(): Promise<void> {
    await this.#store.endAll(this.#log.lastPosition);
  }

  forget(id: string): Promise<void> {
    return this.#relays.forget(id);
  }

  retry(id: string): void {
    this.#relays.retry(id);
  }

  /** Deletes what there is of it in the log, and has those who hold any of it read anew. Throws what the file system throws. */
  async erase(erasure: Erasure): Promise<Erased> {
    const erased = await eraseTelemetry(this.#log, erasure);
    await this.derivation.settled();
    await this.#relays.reread();
    return erased;
  }

  /**
   * Endpoints of sandboxes' owners are not waited for as long: whoever has an endpoint that takes nothing must not hold up who runs the
   * daemon. What is left for them counts as pending, and is sent later.
   *
   * @param ids of the daemon's own destinations; with them, only those are waited for
   */
  async flush(signal: AbortSignal, ids?: readonly string[]): Promise<FlushResult> {
    const before = this.#forwarded();
    const [relayed] = await Promise.all([
      this.#relays.flush(signal, ids),
      ids === undefined
        ? this.#forwarder?.flush(AbortSignal.any([signal, AbortSignal.timeout(OWNERS_FLUSH_MS)]))
        : undefined,
    ]);
    if (ids !== undefined) return relayed;
    const after = this.#forwarded();
    return {
      delivered: relayed.delivered + after.delivered - before.delivered,
      dropped: relayed.dropped + total(after.dropped) - total(before.dropped),
      pending: relayed.pending + after.queued,
    };
  }

  snapshot(): Pick<CollectorSnapshot, "relays" | "forwarding" | "derived"> {
    return {
      relays: this.#relays.infos(),
      forwarding: this.#forwarded(),
      derived: this.derivation.stats(),
    };
  }

  #forwarded(): ForwardSnapshot {
    const { counts: items } = this.#sentToOwners;
    if (this.#forwarder === undefined) return { ...NOTHING_FORWARDED, dropped: {}, items };
    const { destinations, stalled, counts, unseen } = this.#forwarder.totals();
    const dropped = Object.fromEntries(
      Object.entries(counts.dropped).map(([reason, { requests }]) => [reason, requests]),
    );
    for (const [reason, count] of Object.entries(unseen)) dropped[reason] = (dropped[reason] ?? 0) + count;
    return {
      destinations,
      stalled,
      accepted: counts.accepted.requests,
      delivered: counts.delivered.requests,
      queued: counts.queued.requests + counts.inFlight.requests,
      dropped,
      items,
    };
  }

  async stop(graceMs: number): Promise<void> {
    await this.shares.stop();
    await Promise.all([this.#relays.stop(graceMs), this.#forwarder?.stop(graceMs), this.derivation.stop()]);
    await this.#store.flush();
  }
}

const FORWARD_READER = "forward";
/** How long a flush waits for endpoints of sandboxes' owners. */
const OWNERS_FLUSH_MS = 2_000;
const NOTHING_FORWARDED = { destinations: 0, stalled: 0, accepted: 0, delivered: 0, queued: 0 };

/** What events call the way to an owner's endpoint. */
function exporterOf(destinationId: string): string {
  return `otel-export.${destinationId}`;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
