import type { ExporterInfo, FlushResult } from "@sandglass/protocol";
import type { PreparedExporter } from "../exporters/definition.ts";
import { Notifier } from "../log/notifier.ts";
import { DeadLetterFile } from "./dead-letters.ts";
import { EventSelector, type ExporterFilter } from "./event-selector.ts";
import type { Exporter } from "./exporter.ts";
import { CLOSE_MS, type ExporterHandle } from "./exporter-handle.ts";
import type { ExporterLog } from "./exporter-log.ts";
import { Health } from "./health.ts";
import { Ledger, type LedgerState } from "./ledger.ts";
import type { LogEvent } from "./log-event.ts";
import { openExporter } from "./open-exporter.ts";
import { Pipeline } from "./pipeline.ts";
import { redactor } from "./redactor.ts";
import { type RetryOptions, RetrySchedule } from "./retry-schedule.ts";
import { DestinationDisabled, Sender } from "./sender.ts";

export interface ManagedExporterOptions {
  id: string;
  provider: string;
  origin: "config" | "api";
  orgId?: string | undefined;
  filter?: ExporterFilter | undefined;
  prepared: PreparedExporter;
  /** Its reader has a cursor already. */
  log: ExporterLog;
  deadLetterPath: string;
  retry: RetryOptions;
  onStall(reason: string, lagEvents: number): void;
  onRecover(stalledMs: number): void;
  onProblem(message: string, error?: unknown): void;
}

/** What is kept with an exporter's cursor. */
type PlaceData = LedgerState & {
  destination: string;
  /** Unix time in milliseconds. */
  stalledSince?: number;
};

/** The reader's name of an exporter. */
export function readerName(id: string): string {
  return `exporter.${id}`;
}

/** One exporter over its life: opened, run, run again after whatever ends it, stopped. */
export class ManagedExporter implements ExporterHandle {
  readonly options: ManagedExporterOptions;
  readonly #selector: EventSelector;
  readonly #health: Health;
  readonly #schedule: RetrySchedule;
  readonly #deadLetters: DeadLetterFile;
  readonly #redact: (text: string) => string;
  readonly #stopping = new AbortController();
  /** Tells those who wait for a run that there is one, or will be none. */
  readonly #turned = new Notifier();
  #closeMs = CLOSE_MS;
  #ledger: Ledger;
  #pipeline: Pipeline | undefined;
  #running: Promise<void> = Promise.resolve();

  /** @throws SandglassError INVALID_REQUEST for a filter that cannot be */
  constructor(options: ManagedExporterOptions) {
    this.options = options;
    const { prepared, filter, orgId, id, retry, log } = options;
    this.#selector = new EventSelector({
      filter,
      orgId,
      accepts: prepared.accepts?.bind(prepared),
      acceptsByType: prepared.acceptsByType,
      needsEvents: prepared.traits.needsEvents,
      acceptsRecord: prepared.records?.accepts,
    });
    const { data } = log.readerAt(readerName(id));
    this.#health = new Health(
      retry.stallAfterMs,
      (reason) => {
        options.onStall(reason, this.#counts().queued + this.#counts().inFlight);
        void this.#savePlace();
      },
      options.onRecover,
      (data as Partial<PlaceData> | undefined)?.stalledSince,
    );
    this.#schedule = new RetrySchedule(retry);
    this.#deadLetters = new DeadLetterFile(options.deadLetterPath, id, prepared.records?.toJson);
    this.#redact = redactor(prepared.secrets);
    this.#ledger = this.#restore(log.readerAt(readerName(id)));
  }

  /** Throws where it is new and its place cannot be written. */
  async start(): Promise<void> {
    const reader = this.options.log.readerAt(readerName(this.options.id));
    const hasPlace = reader.data !== undefined;
    try {
      await reader.commit(reader.committed, this.#state());
    } catch (error) {
      if (!hasPlace) throw error;
      // It continues from the place that is there: what cannot be written now comes with the next.
      this.options.onProblem(`the cursor of ${reader.name} was not written`, error);
    }
    if (this.#ledger.disabled === undefined) this.#running = this.#run();
    else this.options.log.detachReader(reader.name);
  }

  retry(): void {
    this.#schedule.insist();
    if (this.#ledger.disabled === undefined || this.#stopping.signal.aborted) return;
    this.#ledger.disabled = undefined;
    // Behind whatever switching it off still writes: one run at a time.
    this.#running = this.#running.then(() => this.#run());
  }

  async flush(signal: AbortSignal): Promise<FlushResult> {
    const target = this.options.log.lastPosition;
    const before = this.#counts();
    this.#schedule.wake();
    while (this.#ledger.settledTo < target && !signal.aborted && !this.#stopping.signal.aborted) {
      if (this.#ledger.disabled !== undefined) break;
      if (this.#pipeline) await this.#pipeline.flush(target, signal);
      // Between two runs there is none.
      else await this.#turned.wait(signal);
    }
    const after = this.#counts();
    return {
      delivered: after.delivered - before.delivered,
      dropped: total(after.dropped) - total(before.dropped),
      pending: this.#ledger.pendingTo(target),
    };
  }

  async stop(graceMs: number, closeMs: number = CLOSE_MS): Promise<void> {
    this.#closeMs = closeMs;
    this.#stopping.abort();
    this.#turned.notify();
    this.#pipeline?.stop(graceMs);
    await this.#running;
  }

  info(): ExporterInfo {
    const { id, provider, origin, prepared } = this.options;
    const { lastError, lastDeliveryAt, stalledSince, failedAttempts, failedEvents } = this.#health;
    const { disabled } = this.#ledger;
    return {
      id,
      provider,
      destination: prepared.destination,
      state: disabled !== undefined ? "disabled" : stalledSince !== undefined ? "stalled" : "running",
      origin,
      counts: this.#counts(),
      lagMs: this.#lagMs(),
      ...{ failedAttempts, failedEvents },
      filterErrors: this.#selector.errors,
      ...(lastError && { lastError }),
      ...(lastDeliveryAt !== undefined && { lastDeliveryAt }),
      ...(stalledSince !== undefined && { stalledSince: new Date(stalledSince).toISOString() }),
      ...(this.#deadLetters.hasWritten && { deadLetterFile: this.#deadLetters.path }),
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        await this.#runOnce();
        if (signal.aborted) return;
        // The log came to an end, as one does that was cut from outside: it may have more later.
        tries = 0;
        await this.#schedule.backOff(1, signal);
      } catch (error) {
        if (error instanceof DestinationDisabled) return this.#disable(error.message);
        if (signal.aborted) return;
        this.#health.failed(this.#redact(error instanceof Error ? error.message : String(error)), 0);
        await this.#schedule.backOff(tries, signal);
      }
    }
  }

  async #runOnce(): Promise<void> {
    const { id, log, prepared } = this.options;
    const reader = log.readerAt(readerName(id));
    this.#ledger = this.#restore(reader);
    this.#ledger.disabled = undefined;
    const exporter = await openExporter({
      prepared,
      checkpoint: this.#ledger.checkpoint,
      stopping: this.#stopping.signal,
      graceMs: () => this.#closeMs,
      close: (late) => this.#close(late),
    });
    try {
      if (this.#stopping.signal.aborted) return;
      this.#pipeline = new Pipeline({
        reader,
        traits: prepared.traits,
        selector: this.#selector,
        ledger: this.#ledger,
        sender: this.#sender(exporter),
        state: () => this.#state(),
        onProblem: this.options.onProblem,
      });
      this.#turned.notify();
      await this.#pipeline.run();
    } finally {
      this.#pipeline = undefined;
      await this.#close(exporter);
    }
  }

  #sender(exporter: Exporter): Sender {
    const { id, prepared, onProblem } = this.options;
    return new Sender({
      exporter,
      timeoutMs: prepared.traits.timeoutMs,
      schedule: this.#schedule,
      health: this.#health,
      deadLetters: this.#deadLetters,
      redact: this.#redact,
      onFailure: (message, events, willRetry) => {
        try {
          prepared.onError?.({ exporter: id, message, events, willRetry });
        } catch (error) {
          onProblem(`onError of the exporter ${id} threw`, error);
        }
      },
    });
  }

  async #close(exporter: Exporter): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#closeMs);
    try {
      await Promise.race([exporter.shutdown(), late]);
    } catch (error) {
      this.options.onProblem(`the exporter ${this.options.id} did not close`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing is kept in the log for one that nobody wants to feed. */
  async #disable(reason: string): Promise<void> {
    const { id, log, onProblem } = this.options;
    this.#ledger.disabled = reason;
    this.#turned.notify();
    onProblem(`the exporter ${id} is disabled: ${reason}`);
    await this.#savePlace();
    log.detachReader(readerName(id));
  }

  /** Where it is and how it is doing, for whoever comes after. */
  async #savePlace(): Promise<void> {
    const { id, log, onProblem } = this.options;
    try {
      const reader = log.readerAt(readerName(id));
      await reader.commit(this.#ledger.settledTo, this.#state());
    } catch (error) {
      onProblem(`the cursor of the exporter ${id} was not written`, error);
    }
  }

  #restore(reader: { committed: number; data: unknown }): Ledger {
    const ledger = new Ledger(reader.committed, reader.data);
    const { destination } = (reader.data ?? {}) as { destination?: string };
    // What one destination wanted kept says nothing to another.
    if (destination !== this.options.prepared.destination) {
      ledger.checkpoint = undefined;
      ledger.disabled = undefined;
    }
    return ledger;
  }

  #state(): PlaceData {
    const { stalledSince } = this.#health;
    const { destination } = this.options.prepared;
    return { ...this.#ledger.toState(), destination, ...(stalledSince !== undefined && { stalledSince }) };
  }

  #counts(): ExporterInfo["counts"] {
    return this.#ledger.counts(this.options.log.lastPosition);
  }

  #lagMs(): number {
    const oldest = this.#ledger.oldestUnsettled();
    const time = oldest && timeOf(oldest, this.options.prepared);
    if (time !== undefined) return Math.max(0, Date.now() - time);
    // What was not read yet has waited at least as long as nothing has worked.
    const since = this.#counts().queued > 0 ? this.#health.failingSince : undefined;
    return since === undefined ? 0 : Date.now() - since;
  }
}

function timeOf(record: LogEvent, { records }: PreparedExporter): number | undefined {
  if (records !== undefined) return records.timeOf(record.payload);
  const event = record.parse();
  return event && Date.parse(event.timestamp);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
