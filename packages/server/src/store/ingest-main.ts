import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { LogItem } from "@sandglass/telemetry/reading";
import { Erasures } from "./erase/erasures.ts";
import { eraseFromStore } from "./erase/store-eraser.ts";
import { Hurry } from "./hurry.ts";
import type { IngestCommand, IngestReport, IngestSettings } from "./messages.ts";
import { isDamage, openDatabase, removeDatabase } from "./open-database.ts";
import { Retention } from "./retention.ts";
import { SourceLog } from "./source-log.ts";
import { LOGS, type LogName, StoreWriter } from "./store-writer.ts";

/**
 * What came within it is one transaction. Whoever looks sees an event this much later at most; live tails come from the log itself.
 */
const LINGER_MS = 100;
const RETRY_MS = 1_000;
/** How much of its limit the store may grow by before it is looked at again. */
const EXPIRE_EVERY_SHARE = 0.05;
/** Read from a log before it is put into the tables, unless its end comes before. */
const BATCH_BYTES = 2 * 1024 ** 2;
/** How long telemetry waits for the events of what it is about. */
const EVENTS_FIRST_MS = 1_000;

const settings = workerData as IngestSettings;
const stopping = new AbortController();
const { signal } = stopping;
const onProblem = (message: string): void => report({ kind: "problem", message });
const sources: Record<LogName, SourceLog> = {
  events: new SourceLog(undefined, onProblem),
  telemetry: new SourceLog(settings.telemetryDir, onProblem),
};

const erasures = new Erasures(report);
const hurry = new Hurry();

function report(message: IngestReport): void {
  parentPort?.postMessage(message);
}

async function main(): Promise<void> {
  await sources.events.fed;
  while (!signal.aborted) {
    try {
      await fill();
    } catch (error) {
      report({ kind: "problem", message: (error as Error).message });
      if (isDamage(error)) {
        report({ kind: "reset", reason: "damaged" });
        removeDatabase(settings.path);
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {}); // it stops
    }
  }
}

/** Until it stops, or anything fails. */
async function fill(): Promise<void> {
  const database = openDatabase(settings.path, (reason) => report({ kind: "reset", reason }));
  const failed = new AbortController();
  try {
    const writer = new StoreWriter(database);
    const filling = new Filling(writer, new Retention(database, settings));
    filling.begin();
    const ended = AbortSignal.any([signal, failed.signal]);
    const erasing = erasures.perform(
      (request) => eraseFromStore(database, writer, request),
      // What telemetry there was is known: it was told of before the erasure was asked for.
      ({ position }) =>
        writer.position("events") >= position &&
        writer.position("telemetry") >= sources.telemetry.lastPosition,
      ended,
    );
    const results = await Promise.allSettled([
      erasing,
      ...LOGS.map((log) =>
        filling.follow(log, ended).catch((error: unknown) => {
          // One that fails ends the other, for both to begin anew.
          failed.abort();
          throw error;
        }),
      ),
    ]);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } finally {
    database.close();
  }
}

/** One opening of the database, filled from both logs. */
class Filling {
  readonly #writer: StoreWriter;
  readonly #retention: Retention;
  #lastExpiry = performance.now();
  #grown = 0;

  constructor(writer: StoreWriter, retention: Retention) {
    this.#writer = writer;
    this.#retention = retention;
  }

  begin(): void {
    if (this.#writer.position("events") > sources.events.lastPosition) {
      report({ kind: "reset", reason: "log" });
      this.#writer.clear();
    }
    report({ kind: "opened" });
    this.#reportState();
  }

  async follow(log: LogName, ended: AbortSignal): Promise<void> {
    const source = sources[log];
    await Promise.race([source.fed, aborted(ended)]);
    if (ended.aborted) return;
    let items: LogItem[] = [];
    for await (const batch of source.batches(this.#writer.position(log) + 1, 0, ended)) {
      items.push(...batch);
      const isBehind = lastOf(items) < source.lastPosition;
      // Behind, it takes more at once: what is changed again and again is written once then.
      if (isBehind && bytesOf(items) < BATCH_BYTES) continue;
      const isAwaited = log === "events" && this.#writer.position(log) < hurry.position;
      if (!isBehind && !isAwaited) await hurry.linger(LINGER_MS);
      if (log === "telemetry") await this.#eventsFirst(ended);
      this.#grown += this.#writer.apply(log, items);
      items = [];
      this.#expire();
      this.#reportState();
    }
    // Not to be read again by the next start.
    if (items.length > 0) this.#writer.apply(log, items);
  }

  /** What telemetry is about was recorded before it came: it is in the store first, too. */
  async #eventsFirst(ended: AbortSignal): Promise<void> {
    const wanted = sources.events.lastPosition;
    const deadline = performance.now() + EVENTS_FIRST_MS;
    while (this.#writer.position("events") < wanted && performance.now() < deadline && !ended.aborted) {
      await delay(LINGER_MS / 10);
    }
  }

  #expire(): void {
    const isLate = performance.now() - this.#lastExpiry > settings.expireEveryMs;
    if (!isLate && this.#grown < settings.maxBytes * EXPIRE_EVERY_SHARE) return;
    this.#lastExpiry = performance.now();
    this.#grown = 0;
    if (this.#retention.expire(Date.now())) this.#writer.forget();
  }

  #reportState(): void {
    const { skipped } = this.#writer;
    const positions = {
      events: this.#writer.position("events"),
      telemetry: this.#writer.position("telemetry"),
    };
    const sizeBytes = statSync(settings.path, { throwIfNoEntry: false })?.size ?? 0;
    report({ kind: "state", state: { positions, skipped, sizeBytes, expired: this.#retention.expired } });
  }
}

function bytesOf(items: readonly LogItem[]): number {
  const [first, last] = [items[0], items.at(-1)];
  if (first === undefined || last === undefined || "gap" in first || "gap" in last) return BATCH_BYTES;
  return items.reduce((sum, item) => sum + ("gap" in item ? 0 : item.end - item.start), 0);
}

function lastOf(items: readonly LogItem[]): number {
  const last = items.at(-1);
  if (last === undefined) return 0;
  return "gap" in last ? last.gap.to : last.position;
}

function aborted(ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ended.aborted) resolve();
    else ended.addEventListener("abort", () => resolve(), { once: true });
  });
}

parentPort?.on("message", (command: IngestCommand) => {
  if (command.kind === "log") sources[command.log].apply(command.update);
  else if (command.kind === "erase") erasures.ask(command);
  else if (command.kind === "hurry") hurry.upTo(command.position);
  else {
    stopping.abort();
    hurry.upTo(Number.POSITIVE_INFINITY);
    sources.events.endWaiting();
  }
});

await main();
parentPort?.close();
