import { setTimeout as delay } from "node:timers/promises";
import { Deriver } from "../derive/deriver.ts";
import { mayConcernAgents } from "../derive/genai-markers.ts";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogItem } from "../log/log-reader.ts";
import type { NamedReader } from "../log/named-reader.ts";
import { Notifier } from "../log/notifier.ts";
import type { Signal } from "../otlp/model.ts";
import type { DaemonLine } from "./daemon-line.ts";
import type { CollectorSettings, CollectorSnapshot, OwnedDerivedEvent } from "./messages.ts";
import { PositionRanges } from "./position-ranges.ts";
import { readTelemetryRecord } from "./telemetry-record.ts";

const READER = "derive";
/** How long a trickle is gathered before it is looked at. */
const LINGER_MS = 25;
const RETRY_MS = 1_000;
const SETTLE_MS = 10_000;
/** How much may come that says nothing of agents until the cursor is written. */
const COMMIT_EVERY_MS = 1_000;

type OnProblem = (message: string, error: unknown) => void;

/**
 * Reads the log of telemetry for what agents say of their model calls and tools, and has it recorded as events. What a crash came
 * between is looked at again: an event of it may be there twice.
 *
 * Most of what is sent has nothing to do with agents. Whether it may is seen while it is still in memory (see {@link note}), and only
 * what does is read again; and, at the start, whatever came after the last commit of the process before.
 */
export class TelemetryDerivation {
  readonly #log: DurableLog;
  readonly #line: DaemonLine;
  readonly #deriver: Deriver;
  readonly #ranges = new PositionRanges();
  readonly #due = new Notifier();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #lingerTimer: NodeJS.Timeout | undefined;
  #commitTimer: NodeJS.Timeout | undefined;

  constructor(
    log: DurableLog,
    settings: CollectorSettings["derive"],
    line: DaemonLine,
    onProblem: OnProblem,
  ) {
    this.#log = log;
    this.#line = line;
    this.#deriver = new Deriver(settings);
    const reader = log.readerAt(READER, { from: "end" });
    this.#ranges.add(reader.nextPosition, log.lastPosition);
    this.#running = this.#run(reader, onProblem);
  }

  /**
   * Of every request that a sandbox or a program sent, when it is given to the log.
   *
   * @param position that it gets there; where it is refused another record may get it, which is then looked at for nothing
   */
  note(signal: Signal, body: Buffer, position: number): void {
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      this.#due.notify();
    }, COMMIT_EVERY_MS);
    if (!mayConcernAgents(signal, body)) return;
    this.#ranges.add(position);
    this.#lookSoon();
  }

  stats(): CollectorSnapshot["derived"] {
    const { events, unknownModels, skippedRecords, malformedRecords } = this.#deriver.stats();
    return { events, unknownModels, skipped: skippedRecords, malformed: malformedRecords };
  }

  /** Resolves when what was noted so far is recorded, or after ten seconds. */
  async settled(): Promise<void> {
    const { signal } = this.#stopping;
    const endsAt = performance.now() + SETTLE_MS;
    while (!this.#ranges.isEmpty && !signal.aborted && performance.now() < endsAt) {
      this.#due.notify();
      await delay(LINGER_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#lingerTimer);
    clearTimeout(this.#commitTimer);
    await this.#running;
  }

  #lookSoon(): void {
    this.#lingerTimer ??= setTimeout(() => {
      this.#lingerTimer = undefined;
      this.#due.notify();
    }, LINGER_MS);
  }

  async #run(reader: NamedReader, onProblem: OnProblem): Promise<void> {
    const { signal } = this.#stopping;
    let hasPlace = false;
    while (!signal.aborted || !hasPlace) {
      try {
        // Where it began has to be known to the next process, whatever this one comes to.
        if (!hasPlace) await reader.commit(reader.committed);
        hasPlace = true;
        await this.#look(onProblem);
        if (signal.aborted) return;
        const doneTo = this.#ranges.doneTo(this.#log.lastPosition);
        if (doneTo > reader.committed) await reader.commit(doneTo);
        // What was noted and is not acknowledged yet.
        if (!this.#ranges.isEmpty) this.#lookSoon();
        await this.#due.wait(signal);
      } catch (error) {
        if (signal.aborted) return;
        onProblem("agents' telemetry could not be recorded as events", error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the end came first
      }
    }
  }

  /** At everything that is in the log by now. */
  async #look(onProblem: OnProblem): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const range = this.#ranges.first(this.#log.lastPosition);
      if (range === undefined || signal.aborted) return;
      for await (const items of this.#log.readBatches({ ...range, signal })) {
        const events = this.#derive(items);
        if (events.length > 0) await this.#record(events, onProblem);
        if (signal.aborted) return;
        const last = items.at(-1)!;
        this.#ranges.done("gap" in last ? last.gap.to : last.position);
      }
      if (!signal.aborted) this.#ranges.done(range.to);
    }
  }

  /** Until it works: what was derived once is not derived again. */
  async #record(events: OwnedDerivedEvent[], onProblem: OnProblem): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        return await this.#line.record(events);
      } catch (error) {
        if (!signal.aborted) onProblem("agents' telemetry could not be recorded as events", error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the end came first
      }
    }
  }

  #derive(items: readonly LogItem[]): OwnedDerivedEvent[] {
    const events: OwnedDerivedEvent[] = [];
    for (const item of items) {
      const record = "payload" in item ? readTelemetryRecord(item.payload) : undefined;
      if (record === undefined || record.origin === "host") continue;
      const { orgId, sandboxId, runId } = record;
      for (const event of this.#deriver.derive(record)) events.push({ ...event, orgId, sandboxId, runId });
    }
    return events;
  }
}
