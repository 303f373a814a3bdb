import { setTimeout as delay } from "node:timers/promises";
import { Deriver } from "../derive/deriver.ts";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogItem } from "../log/log-reader.ts";
import type { DaemonLine } from "./daemon-line.ts";
import type { CollectorSettings, CollectorSnapshot, OwnedDerivedEvent } from "./messages.ts";
import { readTelemetryRecord } from "./telemetry-record.ts";

const READER = "derive";
/** How long a trickle is gathered before it is looked at. */
const LINGER_MS = 25;
const RETRY_MS = 1_000;
/** How much may be read that says nothing of agents until the cursor is written. */
const COMMIT_EVERY_MS = 250;

/**
 * Reads the log of telemetry for what agents say of their model calls and tools, and has it recorded as events. What a crash came
 * between is looked at again: an event of it may be there twice.
 */
export class TelemetryDerivation {
  readonly #log: DurableLog;
  readonly #line: DaemonLine;
  readonly #deriver: Deriver;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #committedAt = 0;

  constructor(
    log: DurableLog,
    settings: CollectorSettings["derive"],
    line: DaemonLine,
    onProblem: (message: string, error: unknown) => void,
  ) {
    this.#log = log;
    this.#line = line;
    this.#deriver = new Deriver(settings);
    this.#running = this.#run(onProblem);
  }

  stats(): CollectorSnapshot["derived"] {
    const { events, unknownModels } = this.#deriver.stats();
    return { events, unknownModels };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(onProblem: (message: string, error: unknown) => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const reader = this.#log.readerAt(READER, { from: "end" });
        for await (const items of reader.batches({ signal, lingerMs: LINGER_MS })) {
          const events = this.#derive(items);
          if (events.length > 0) await this.#record(events, onProblem);
          if (signal.aborted) return;
          if (events.length === 0 && performance.now() - this.#committedAt < COMMIT_EVERY_MS) continue;
          const last = items.at(-1)!;
          this.#committedAt = performance.now();
          await reader.commit("gap" in last ? last.gap.to : last.position);
        }
      } catch (error) {
        if (signal.aborted) return;
        onProblem("agents' telemetry could not be recorded as events", error);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the end came first
      }
    }
  }

  /** Until it works: what was derived once is not derived again. */
  async #record(
    events: OwnedDerivedEvent[],
    onProblem: (message: string, error: unknown) => void,
  ): Promise<void> {
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
