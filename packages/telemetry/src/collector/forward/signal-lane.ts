import type { SignalOutcome } from "../../exporters/otel/otlp-transport.ts";
import { Notifier } from "../../log/notifier.ts";
import type { Signal } from "../../otlp/model.ts";
import type { TelemetryRecord } from "../telemetry-record.ts";
import {
  type Amount,
  add,
  addCounts,
  addDrop,
  type DropReason,
  type ForwardCounts,
  less,
  noCounts,
} from "./amount.ts";
import type { LaneParts } from "./lane-parts.ts";
import { amountOf, type HeldRequest } from "./lane-window.ts";
import { postOnce } from "./post-attempt.ts";

/**
 * One signal on its way to one destination, in the order of the log, one request at a time: as long as one is under way what comes is
 * gathered for the next. It is fed by the reader that all share. When it cannot keep up, or the destination fails, it lets go of what it
 * cannot hold, remembers where that begins ({@link SignalLane.behindFrom}) and is read for by `BehindReader` until it is abreast again.
 */
export class SignalLane {
  readonly #parts: LaneParts;
  readonly #changed = new Notifier();
  readonly #counts = noCounts();
  #behindFrom: number | undefined;
  /** About when what is behind was received, Unix time in milliseconds; no later. */
  #behindSince = 0;
  #lossReason: DropReason = "retention";
  #failures = 0;
  #isPausing = false;
  #isOver = false;
  readonly done: Promise<void>;

  /** @param owed what it had still to deliver when the process before ended */
  constructor(parts: LaneParts, owed?: { from: number; amount: Readonly<Amount> }) {
    this.#parts = parts;
    if (owed !== undefined) {
      add(this.#counts.accepted, owed.amount);
      this.#setBehind(owed.from);
    }
    this.done = this.#run();
  }

  get signal(): Signal {
    return this.#parts.signal;
  }

  /** First position that has not been read for it; undefined where it is abreast of the reader that all share. */
  get behindFrom(): number | undefined {
    return this.#behindFrom;
  }

  /** First position that is for it and not settled; undefined where there is none. */
  get firstUnsettled(): number | undefined {
    return this.#parts.window.first?.position ?? this.#behindFrom;
  }

  /** When the oldest that is not settled was received, or not long before. */
  get waitingSince(): number | undefined {
    const { first } = this.#parts.window;
    return first?.receivedAt ?? (this.#behindFrom === undefined ? undefined : this.#behindSince);
  }

  /** Accepted, and neither delivered nor dropped. */
  get pending(): Amount {
    const { accepted, delivered, dropped } = this.#counts;
    return Object.values(dropped).reduce(less, less(accepted, delivered));
  }

  /** Whether it is to be read for now, by who reads for those that are behind. */
  get isHungry(): boolean {
    return this.#behindFrom !== undefined && !this.#isPausing && this.#parts.window.wantsMore;
  }

  addCountsTo(counts: ForwardCounts): void {
    const inFlight = this.#parts.window.sendingAmount;
    addCounts(counts, this.#counts);
    add(counts.inFlight, inFlight);
    add(counts.queued, less(this.pending, inFlight));
  }

  /** A record that all share the reading of, the next that is for this lane. */
  accept(position: number, record: TelemetryRecord): void {
    add(this.#counts.accepted, { requests: 1, items: record.items });
    if (this.#behindFrom !== undefined || this.#push(position, record)) return;
    this.#behindSince = record.receivedAt;
    this.#setBehind(position);
  }

  /** The same record, read again behind the others. False where there is no room: then reading goes on with it another time. */
  acceptBehind(position: number, record: TelemetryRecord): boolean {
    const hasRoom = !this.#isPausing && this.#push(position, record);
    this.#behindFrom = hasRoom ? position + 1 : position;
    this.#behindSince = record.receivedAt;
    return hasRoom;
  }

  /** Everything before this position was read for it. @param isAbreast that is everything there is */
  readUpTo(position: number, isAbreast: boolean): void {
    this.#behindFrom = position;
    if (!isAbreast) return;
    // What was accepted and was not there when it was read again.
    const lost = less(less(this.pending, this.#parts.window.sendingAmount), this.#parts.window.waitingAmount);
    if (lost.requests > 0) addDrop(this.#counts.dropped, this.#lossReason, lost);
    this.#lossReason = "retention";
    this.#setBehind(undefined);
  }

  /** Records are missing in what is read for it; how many of them were its own shows when it is abreast. */
  missed(reason: "retention" | "corrupt" | "deleted"): void {
    this.#lossReason = reason;
  }

  /** Ends the waits that we chose. */
  wake(): void {
    this.#parts.schedule.wake();
  }

  /** Delivers nothing more: what is pending is dropped. */
  abandon(reason: DropReason): void {
    this.#isOver = true;
    addDrop(this.#counts.dropped, reason, this.pending);
    this.#parts.window.clear();
    this.#setBehind(undefined);
    this.#changed.notify();
  }

  #push(position: number, record: TelemetryRecord): boolean {
    const isPushed = this.#parts.window.push(position, record);
    if (isPushed) this.#changed.notify();
    return isPushed;
  }

  #setBehind(from: number | undefined): void {
    this.#behindFrom = from;
    this.#parts.host.setBehind(this, from !== undefined);
  }

  async #run(): Promise<void> {
    const { window, batch, halting, host } = this.#parts;
    while (!halting.aborted && !this.#isOver) {
      if (!window.hasWaiting) {
        await this.#changed.wait(halting);
        continue;
      }
      const failure = await this.#deliver(window.take(batch)).catch(
        // A mistake of ours must not take the other destinations with it.
        (error: unknown): Failure => ({ reason: String(error), tookMs: 0 }),
      );
      host.progressed();
      if (failure !== undefined && !this.#isOver) await this.#fallBack(failure);
    }
  }

  /** Undefined where all of it was settled; else why what remains was not. */
  async #deliver(batch: readonly HeldRequest[]): Promise<Failure | undefined> {
    const { signal, transport, timeoutMs, host, health, counted, aborting } = this.#parts;
    if (this.#isOver) return undefined;
    const off = host.whyOff(signal);
    if (off !== undefined) return this.#drop(batch, "unsupported_signal");
    const startedAt = performance.now();
    const body = batch.map((request) => request.body);
    const outcome = await postOnce(transport, { signal, body, timeoutMs }, aborting);
    counted?.add(signal, amountOf(batch).items, outcome);
    if (this.#isOver) return undefined;
    switch (outcome.status) {
      case "ok":
        health.delivered();
        host.took(signal);
        return this.#taken(batch, outcome);
      case "fail":
        // It answers: only what it was sent is wrong.
        health.answered();
        return this.#refused(batch, outcome.reason);
      case "unsupported":
        if (await host.hasNoPlace(signal, outcome.reason, aborting)) {
          return this.#isOver ? undefined : this.#drop(batch, "unsupported_signal");
        }
        return { reason: outcome.reason, tookMs: performance.now() - startedAt };
      case "retry":
        return { ...outcome, tookMs: performance.now() - startedAt };
    }
  }

  #taken(
    batch: readonly HeldRequest[],
    { rejected = 0, reason = "" }: SignalOutcome & { status: "ok" },
  ): undefined {
    const { delivered, dropped } = this.#counts;
    const amount = amountOf(batch);
    const lost = { requests: 0, items: Math.min(rejected, amount.items) };
    add(delivered, less(amount, lost));
    if (lost.items > 0) {
      addDrop(dropped, "rejected", lost);
      this.#parts.health.refused(this.#parts.host.redact(reason));
    }
    this.#settle(batch);
  }

  /** Splits it until those that are at fault are found. */
  async #refused(batch: readonly HeldRequest[], reason: string): Promise<Failure | undefined> {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) return this.#bury(only, reason);
    const middle = Math.ceil(batch.length / 2);
    return (await this.#deliver(batch.slice(0, middle))) ?? (await this.#deliver(batch.slice(middle)));
  }

  async #bury(request: HeldRequest, reason: string): Promise<Failure | undefined> {
    const { host, signal, health } = this.#parts;
    const cleaned = host.redact(reason);
    try {
      await host.bury(signal, request, cleaned);
    } catch (error) {
      return { reason: `a refused request could not be kept: ${(error as Error).message}`, tookMs: 0 };
    }
    if (this.#isOver) return undefined;
    health.refused(`refused: ${cleaned}`);
    return this.#drop([request], "rejected");
  }

  #drop(batch: readonly HeldRequest[], reason: DropReason): undefined {
    addDrop(this.#counts.dropped, reason, amountOf(batch));
    this.#settle(batch);
  }

  #settle(batch: readonly HeldRequest[]): void {
    this.#failures = 0;
    this.#parts.window.isProbing = false;
    this.#parts.window.settle(batch.length);
  }

  /** Holds nothing while the destination fails: the log does. */
  async #fallBack({ reason, tookMs, afterMs = 0 }: Failure): Promise<void> {
    const { window, schedule, health, host, halting } = this.#parts;
    const { first } = window;
    if (first !== undefined) {
      this.#behindSince = first.receivedAt;
      window.clear();
      this.#setBehind(first.position);
    }
    if (halting.aborted) return;
    this.#failures += 1;
    window.isProbing = true;
    health.failed(host.redact(reason), tookMs, afterMs);
    if (host.giveUpIfDue()) return;
    this.#isPausing = true;
    if (afterMs > 0) {
      schedule.postpone(afterMs);
      await schedule.respect(halting);
    } else await schedule.backOff(this.#failures, halting);
    this.#isPausing = false;
    host.progressed();
  }
}

interface Failure {
  readonly reason: string;
  readonly tookMs: number;
  readonly afterMs?: number | undefined;
}
