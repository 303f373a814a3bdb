import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_RETRY } from "../../delivery/retry-schedule.ts";
import type { LogItem } from "../../log/log-reader.ts";
import { Notifier } from "../../log/notifier.ts";
import { readTelemetryRecord } from "../telemetry-record.ts";
import { addCounts, addDrop, type ForwardCounts, noCounts } from "./amount.ts";
import { BehindReader } from "./behind-reader.ts";
import { DeadLetterFile } from "./dead-letter-file.ts";
import { ForwardCursor } from "./forward-cursor.ts";
import { ForwardDestination, type ForwardInfo, type ForwardShared } from "./forward-destination.ts";
import { type ForwardState, type OwedDestination, restoreState, settledTo } from "./forward-state.ts";
import { FORWARD_DEFAULTS, type ForwarderOptions } from "./forwarder-options.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { SignalLane } from "./signal-lane.ts";

const READER = "forward";
const TRY_AGAIN_MS = 1000;

export interface ForwardTotals {
  destinations: number;
  stalled: number;
  /** Of all destinations that there were since the start. */
  counts: ForwardCounts;
  /** Records that the log lost before anybody could tell whose they were, by reason. */
  unseen: Record<string, number>;
  /** Bytes of requests in memory. */
  heldBytes: number;
  peakHeldBytes: number;
}

export interface ForwardSummary extends Omit<ForwardTotals, "destinations" | "counts"> {
  destinations: ForwardInfo[];
  total: ForwardCounts;
}

/**
 * Sends what the log of telemetry has for endpoints of sandboxes' owners there. One reader reads the log for all of them; a second one
 * for all that could not keep up or whose endpoint failed, so neither holds up the others, and neither is held in memory. Where everybody
 * is is kept with the one cursor `forward`, in one write: nothing is lost by a crash, and repeated is only what was under way.
 *
 * @example
 * const store = await DestinationStore.open(join(dataDir, "otel-destinations"), { cwd, ownOrigins });
 * const forwarder = Forwarder.start({ log, store, deadLetterPath });
 * await store.endAll(log.lastPosition); // once those that are still there have acquired theirs anew
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cursor: ForwardCursor;
  readonly #shared: ForwardShared;
  readonly #destinations = new Map<string, ForwardDestination>();
  readonly #behind = new Set<SignalLane>();
  readonly #changed = new Notifier();
  readonly #reading = new AbortController();
  readonly #retired = noCounts();
  readonly #unseen: Record<string, number> = {};
  readonly #running: Promise<unknown>;
  readonly #closing = new Set<Promise<void>>();
  #readTo: number;
  #stopping: Promise<void> | undefined;

  static start(options: ForwarderOptions): Forwarder {
    return new Forwarder(options);
  }

  private constructor(options: ForwarderOptions) {
    const { log, retry } = options;
    const { totalBytes, laneBytes, shareBytes, batchBytes, batchItems } = {
      ...FORWARD_DEFAULTS,
      ...given(options),
    };
    this.#options = options;
    const reader = log.readerAt(READER);
    this.#cursor = new ForwardCursor({
      reader,
      state: () => this.#state(),
      committed: (state) => this.#committed(state),
      onProblem: (message, error) => options.onProblem?.(message, error),
    });
    this.#shared = {
      budget: new MemoryBudget(totalBytes),
      window: { laneBytes, shareBytes },
      batch: { maxBytes: batchBytes, maxItems: batchItems },
      retry: { ...DEFAULT_RETRY, ...retry },
      deadLetters: new DeadLetterFile(options.deadLetterPath),
      counted: options.counted,
      progressed: () => this.#progressed(),
      setBehind: (lane, isBehind) => this.#setBehind(lane, isBehind),
      stalled: (id, reason, lag) => options.onStall?.(id, reason, lag),
      recovered: (id, stalledMs) => options.onRecover?.(id, stalledMs),
      giveUpIfDue: (destination) => this.#giveUpIfDue(destination),
    };
    const state = restoreState(reader.data, reader.committed, log.lastPosition);
    this.#readTo = state.readTo;
    this.#restore(state);
    const behindReader = new BehindReader({
      log,
      behind: this.#behind,
      changed: this.#changed,
      readTo: () => this.#readTo,
      laneOf: ({ destinationId, signal }) => this.#destinations.get(destinationId)?.lane(signal),
    });
    this.#running = Promise.all([
      this.#keepOn(() => this.#readForAll()),
      this.#keepOn(() => behindReader.run(this.#reading.signal)),
    ]);
    this.#cursor.commitSoon();
  }

  /** How all are doing together: cheap enough to be asked for often. */
  totals(): ForwardTotals {
    const counts = noCounts();
    let stalled = 0;
    addCounts(counts, this.#retired);
    for (const destination of this.#destinations.values()) {
      destination.addCountsTo(counts);
      if (destination.isStalled) stalled += 1;
    }
    const { used: heldBytes, peak: peakHeldBytes } = this.#shared.budget;
    const destinations = this.#destinations.size;
    return { destinations, stalled, counts, unseen: { ...this.#unseen }, heldBytes, peakHeldBytes };
  }

  /** How each destination is doing that there was something for. */
  infos(): ForwardInfo[] {
    return [...this.#destinations.values()].map((destination) => destination.info());
  }

  /** The first position that each endpoint has not settled. */
  waiting(): [id: string, position: number][] {
    return this.#options.store
      .all()
      .map(({ id }) => [id, this.#destinations.get(id)?.firstUnsettled ?? this.#readTo + 1]);
  }

  /** Both. */
  summary(): ForwardSummary {
    const { counts: total, ...rest } = this.totals();
    return { ...rest, total, destinations: this.infos() };
  }

  /**
   * Resolves with true when everything that is in the log now is delivered or dropped, and that is on disk; with false when the signal
   * fires before. Waits between attempts are cut short once.
   */
  async flush(signal: AbortSignal): Promise<boolean> {
    const { lastPosition } = this.#options.log;
    for (const destination of this.#destinations.values()) destination.wake();
    const isDone = (): boolean =>
      this.#readTo >= lastPosition &&
      ![...this.#destinations.values()].some(
        ({ firstUnsettled: first }) => first !== undefined && first <= lastPosition,
      );
    while (!isDone() && !signal.aborted && this.#stopping === undefined) await this.#changed.wait(signal);
    await this.#cursor.commit();
    return isDone();
  }

  /** Reads no more and begins nothing; what is being sent may end within `graceMs`. The cursor is on disk then. Idempotent. */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#reading.abort();
    this.#changed.notify();
    const aborting = new AbortController();
    const timer = setTimeout(() => aborting.abort(), graceMs);
    // Whoever reads may still find a destination that was not there before.
    await this.#running;
    const stopped = [...this.#destinations.values()].map((destination) => destination.stop(aborting.signal));
    await Promise.all([...stopped, ...this.#closing]);
    clearTimeout(timer);
    await this.#cursor.close();
    await this.#options.store.flush();
  }

  /** What reading fails with passes, or is put right by a person: it is tried again. */
  async #keepOn(run: () => Promise<void>): Promise<void> {
    const { signal } = this.#reading;
    while (!signal.aborted) {
      try {
        await run();
        return;
      } catch (error) {
        this.#options.onProblem?.("the log of telemetry cannot be read for forwarding", error);
        await delay(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #readForAll(): Promise<void> {
    const { log, lingerMs = FORWARD_DEFAULTS.lingerMs } = this.#options;
    const { signal } = this.#reading;
    const batches = log.readBatches({ from: this.#readTo + 1, follow: true, lingerMs, signal });
    for await (const items of batches) {
      for (const item of items) this.#route(item);
      this.#progressed();
    }
  }

  #route(item: LogItem): void {
    if ("gap" in item) {
      const { from, to, reason } = item.gap;
      // What was deleted before it was looked at was never anybody's here.
      if (reason !== "deleted") this.#unseen[reason] = (this.#unseen[reason] ?? 0) + to - from + 1;
      this.#readTo = to;
      return;
    }
    const { position, payload } = item;
    const record = readTelemetryRecord(payload);
    if (record === undefined) this.#unseen.corrupt = (this.#unseen.corrupt ?? 0) + 1;
    else if (record.destinationId !== "") {
      const destination = this.#destinationOf(record.destinationId);
      if (destination !== undefined) destination.accept(position, record);
      else this.#drop({ requests: 1, items: record.items });
    }
    this.#readTo = position;
  }

  #destinationOf(id: string): ForwardDestination | undefined {
    const known = this.#destinations.get(id);
    if (known !== undefined) return known;
    const stored = this.#options.store.find(id);
    if (stored === undefined) return undefined;
    const destination = new ForwardDestination(stored, this.#shared);
    this.#destinations.set(id, destination);
    return destination;
  }

  #restore({ owed }: ForwardState): void {
    for (const [id, destination] of Object.entries(owed)) {
      const stored = this.#options.store.find(id);
      if (stored !== undefined) {
        this.#destinations.set(id, new ForwardDestination(stored, this.#shared, destination));
      } else for (const { amount } of Object.values(destination.lanes)) this.#drop(amount);
    }
  }

  /** Of a destination that is not known any more. */
  #drop(amount: ForwardCounts["accepted"]): void {
    addCounts(this.#retired, { ...noCounts(), accepted: amount });
    addDrop(this.#retired.dropped, "no_destination", amount);
  }

  #setBehind(lane: SignalLane, isBehind: boolean): void {
    if (isBehind) this.#behind.add(lane);
    else this.#behind.delete(lane);
  }

  #progressed(): void {
    this.#changed.notify();
    this.#cursor.commitSoon();
  }

  #giveUpIfDue(destination: ForwardDestination): boolean {
    const { store, maxAgeMs = FORWARD_DEFAULTS.maxAgeMs } = this.#options;
    const { id, tookAt = 0 } = destination;
    const endedAt = store.find(id)?.endedAt;
    if (endedAt === undefined || Date.now() - Math.max(endedAt, tookAt) < maxAgeMs) return false;
    if (!store.giveUp(id)) return false;
    destination.abandon("gave_up");
    this.#retire(destination);
    return true;
  }

  #retire(destination: ForwardDestination): void {
    this.#destinations.delete(destination.id);
    addCounts(this.#retired, destination.counts());
    const closed = destination.stop(AbortSignal.abort()).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #state(): ForwardState {
    const owed: Record<string, OwedDestination> = {};
    for (const destination of this.#destinations.values()) {
      const still = destination.owed();
      if (still !== undefined) owed[destination.id] = still;
    }
    return { readTo: this.#readTo, owed };
  }

  /** Only what is on disk as settled is so for the store: what that forgets is not to be asked for again. */
  #committed({ readTo, owed }: ForwardState): void {
    const { store } = this.#options;
    for (const { id } of store.all()) {
      const still = owed[id];
      const position = settledTo({ readTo, owed: still === undefined ? {} : { [id]: still } });
      if (!store.settled(id, position)) continue;
      const destination = this.#destinations.get(id);
      if (destination !== undefined) this.#retire(destination);
    }
  }
}

/** Without what is undefined, which would hide a default. */
function given<Options extends object>(options: Options): Partial<Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Options>;
}
