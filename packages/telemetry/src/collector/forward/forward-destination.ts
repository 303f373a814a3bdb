import { Health } from "../../delivery/health.ts";
import { redactor } from "../../delivery/redactor.ts";
import { type RetryOptions, RetrySchedule } from "../../delivery/retry-schedule.ts";
import { SignalSwitches } from "../../exporters/otel/signal-switches.ts";
import type { Signal } from "../../otlp/model.ts";
import type { SentItems } from "../sent-items.ts";
import type { TelemetryRecord } from "../telemetry-record.ts";
import { add, addCounts, type DropReason, type ForwardCounts, noCounts } from "./amount.ts";
import type { DeadLetterFile } from "./dead-letter-file.ts";
import type { Destination } from "./destination-store.ts";
import { DestinationTransport } from "./destination-transport.ts";
import type { OwedDestination } from "./forward-state.ts";
import type { LaneHost } from "./lane-parts.ts";
import { type BatchLimits, type HeldRequest, LaneWindow, type WindowLimits } from "./lane-window.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { postOnce } from "./post-attempt.ts";
import { SignalLane } from "./signal-lane.ts";

/** JSON is made on the event loop that others wait for. */
const JSON_BATCH_BYTES = 256 * 1024;
const NOTHING = new Uint8Array();

/** What all destinations share. */
export interface ForwardShared {
  budget: MemoryBudget;
  window: WindowLimits;
  batch: BatchLimits;
  retry: RetryOptions;
  deadLetters: DeadLetterFile;
  /** Told of every attempt to send, of all destinations together. */
  counted: SentItems | undefined;
  progressed(): void;
  setBehind(lane: SignalLane, isBehind: boolean): void;
  stalled(id: string, reason: string, lag: number): void;
  recovered(id: string, stalledMs: number): void;
  /** It failed again. True where it is given up; it has been told so then. */
  giveUpIfDue(destination: ForwardDestination): boolean;
}

/** How one destination is doing. */
export interface ForwardInfo {
  id: string;
  orgId: string;
  /** Origins, without secrets. */
  where: string[];
  state: "running" | "stalled";
  counts: ForwardCounts;
  /** Since the oldest record that is not settled was received; 0 where there is none. */
  lagMs: number;
  /** Attempts that failed. */
  failedAttempts: number;
  /** Without secrets. */
  lastError?: { at: string; message: string };
}

/** One endpoint of an owner: a lane for each signal that it takes. */
export class ForwardDestination implements LaneHost {
  readonly id: string;
  readonly #destination: Destination;
  readonly #shared: ForwardShared;
  readonly #transport: DestinationTransport;
  readonly #lanes = new Map<Signal, SignalLane>();
  readonly #health = new Map<Signal, Health>();
  readonly #switches = new SignalSwitches();
  readonly #known = new Set<Signal>();
  /** Of signals that it has no lane for. */
  readonly #filtered = noCounts();
  readonly #halting = new AbortController();
  readonly #aborting = new AbortController();
  readonly redact: (text: string) => string;
  /** When it took something last, Unix time in milliseconds. */
  tookAt: number | undefined;

  constructor(destination: Destination, shared: ForwardShared, owed?: OwedDestination) {
    this.id = destination.id;
    this.tookAt = owed?.tookAt;
    this.#destination = destination;
    this.#shared = shared;
    this.#transport = new DestinationTransport(destination.settings);
    this.redact = redactor(destination.settings.secrets);
    for (const [signal, lane] of Object.entries(owed?.lanes ?? {})) this.lane(signal as Signal, lane);
  }

  /** Of one signal; undefined where there is no endpoint for it. */
  lane(signal: Signal, owed?: OwedDestination["lanes"][Signal]): SignalLane | undefined {
    const settings = this.#destination.settings.signals[signal];
    if (settings === undefined) return undefined;
    const known = this.#lanes.get(signal);
    if (known !== undefined) return known;
    const { budget, window, batch, retry, counted, stalled, recovered } = this.#shared;
    const maxBytes = settings.protocol === "http/json" ? JSON_BATCH_BYTES : batch.maxBytes;
    const health = new Health(
      retry.stallAfterMs,
      (reason) => stalled(this.id, reason, this.counts().queued.requests),
      (stalledMs) => recovered(this.id, stalledMs),
    );
    const parts = {
      signal,
      health,
      window: new LaneWindow(budget, window),
      batch: { ...batch, maxBytes: Math.min(batch.maxBytes, maxBytes) },
      timeoutMs: settings.timeoutMs,
      transport: this.#transport,
      schedule: new RetrySchedule(retry),
      host: this,
      counted,
      halting: this.#halting.signal,
      aborting: this.#aborting.signal,
    };
    const lane = new SignalLane(parts, owed);
    this.#health.set(signal, health);
    this.#lanes.set(signal, lane);
    return lane;
  }

  get lanes(): Iterable<SignalLane> {
    return this.#lanes.values();
  }

  /** A record of the log that is for it. */
  accept(position: number, record: TelemetryRecord): void {
    const lane = this.lane(record.signal);
    if (lane !== undefined) return lane.accept(position, record);
    const amount = { requests: 1, items: record.items };
    add(this.#filtered.accepted, amount);
    add(this.#filtered.filtered, amount);
  }

  /** First position that is for it and not settled; undefined where there is none. */
  get firstUnsettled(): number | undefined {
    let first: number | undefined;
    for (const { firstUnsettled } of this.lanes) {
      if (firstUnsettled !== undefined) first = Math.min(first ?? firstUnsettled, firstUnsettled);
    }
    return first;
  }

  /** What has to be known of it to go on after a restart; undefined where nothing is owed. */
  owed(): OwedDestination | undefined {
    const lanes: OwedDestination["lanes"] = {};
    for (const lane of this.lanes) {
      const from = lane.firstUnsettled;
      if (from !== undefined) lanes[lane.signal] = { from, amount: lane.pending };
    }
    if (Object.keys(lanes).length === 0) return undefined;
    return { lanes, ...(this.tookAt !== undefined && { tookAt: this.tookAt }) };
  }

  counts(): ForwardCounts {
    const counts = noCounts();
    this.addCountsTo(counts);
    return counts;
  }

  addCountsTo(counts: ForwardCounts): void {
    addCounts(counts, this.#filtered);
    for (const lane of this.lanes) lane.addCountsTo(counts);
  }

  get isStalled(): boolean {
    for (const { stalledSince } of this.#health.values()) if (stalledSince !== undefined) return true;
    return false;
  }

  info(): ForwardInfo {
    const { orgId, settings } = this.#destination;
    const health = [...this.#health.values()];
    const since = Math.min(
      ...[...this.lanes].map(({ waitingSince }) => waitingSince ?? Number.POSITIVE_INFINITY),
    );
    const errors = health
      .flatMap(({ lastError }) => lastError ?? [])
      .sort((a, b) => b.at.localeCompare(a.at));
    return {
      id: this.id,
      orgId,
      where: [...new Set(Object.values(settings.signals).map(({ where }) => where))],
      state: this.isStalled ? "stalled" : "running",
      counts: this.counts(),
      lagMs: Number.isFinite(since) ? Math.max(0, Date.now() - since) : 0,
      failedAttempts: health.reduce((sum, { failedAttempts }) => sum + failedAttempts, 0),
      ...(errors[0] !== undefined && { lastError: errors[0] }),
    };
  }

  bury(signal: Signal, { sandboxId, items, body }: HeldRequest, reason: string): Promise<void> {
    const { id, orgId } = this.#destination;
    const letter = { destinationId: id, orgId, sandboxId, signal, items, reason, body };
    return this.#shared.deadLetters.write(letter);
  }

  took(signal: Signal): void {
    this.#known.add(signal);
    this.tookAt = Date.now();
  }

  whyOff(signal: Signal): string | undefined {
    return this.#switches.whyOff(signal);
  }

  /** It is believed where it takes another signal at the same time and never took this one; then for ten minutes. */
  async hasNoPlace(signal: Signal, reason: string, abort: AbortSignal): Promise<boolean> {
    if (this.#known.has(signal)) return false;
    for (const [other, settings] of Object.entries(this.#destination.settings.signals)) {
      if (other === signal || this.#switches.whyOff(other as Signal) !== undefined) continue;
      // With a request of nothing, which servers say yes to.
      const request = { signal: other as Signal, body: NOTHING, timeoutMs: settings.timeoutMs };
      const { status } = await postOnce(this.#transport, request, abort);
      if (status !== "ok" && status !== "fail") continue;
      this.#switches.turnOff(signal, reason);
      return true;
    }
    return false;
  }

  giveUpIfDue(): boolean {
    return this.#shared.giveUpIfDue(this);
  }

  progressed(): void {
    this.#shared.progressed();
  }

  setBehind(lane: SignalLane, isBehind: boolean): void {
    this.#shared.setBehind(lane, isBehind);
  }

  wake(): void {
    for (const lane of this.lanes) lane.wake();
  }

  abandon(reason: DropReason): void {
    for (const lane of this.lanes) lane.abandon(reason);
  }

  /** Begins nothing more, and gives up what is under way when `aborting` fires. Resolves when it is over. */
  async stop(aborting: AbortSignal): Promise<void> {
    this.#halting.abort();
    const abort = (): void => this.#aborting.abort();
    if (aborting.aborted) abort();
    else aborting.addEventListener("abort", abort, { once: true });
    await Promise.all([...this.lanes].map(({ done }) => done));
    aborting.removeEventListener("abort", abort);
    this.#transport.close();
  }
}
