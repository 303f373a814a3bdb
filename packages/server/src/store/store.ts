import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SandglassError } from "@sandglass/protocol";
import type { DurableLog } from "@sandglass/telemetry";
import type { LogUpdate } from "@sandglass/telemetry/reading";
import { AskedErasures } from "./erase/asked-erasures.ts";
import type { EraseRequest, EraseResult } from "./erase/erase-request.ts";
import type {
  IngestCommand,
  IngestReport,
  IngestSettings,
  QueryArguments,
  QueryName,
  QueryResult,
  StoreState,
} from "./messages.ts";
import { QueryThreads } from "./query-threads.ts";
import { LogTail } from "./tail/log-tail.ts";

const RESTART_MS = 1_000;
/** How often its thread hears of new events, which it puts into the tables some times a second. */
const FEED_EVERY_MS = 50;
const EXPIRE_EVERY_MS = 10_000;
/** How long a query waits for the store to be there, which has a thread to start and perhaps tables to change. */
const OPEN_MS = 15_000;
/** How long a query waits for what was recorded before it was asked. */
const CATCH_UP_MS = 2_000;
/** Further behind than this it is being filled, and what it does not know yet may well be there. */
const FILLING_EVENTS = 50_000;

export interface StoreOptions {
  dataDir: string;
  log: DurableLog;
  /**
   * Tells of the log of telemetry, in `<dataDir>/telemetry`, from all there is now on, whoever writes it; returns what ends that.
   * Default: there is none.
   */
  telemetry?: ((post: (update: LogUpdate) => void) => () => void) | undefined;
  maxBytes: number;
  maxAgeMs?: number | undefined;
  /** How often it is looked whether something is too old. Default 10 s. */
  expireEveryMs?: number | undefined;
  onProblem: (message: string, error?: unknown) => void;
}

/**
 * What can be asked of the record beyond reading it through: an embedded database beside the log, filled by a reader of it in a
 * thread of its own. It can be deleted at any time: it is filled again from what the log still holds.
 */
export class Store {
  /** Log records as they come. */
  readonly tail: LogTail;
  readonly #options: StoreOptions;
  readonly #settings: IngestSettings;
  readonly #queries: QueryThreads;
  #thread: Worker | undefined;
  /** Has the thread hear of all that is there. */
  #tellNow: () => void = () => {};
  #state: StoreState = { positions: { events: 0, telemetry: 0 }, skipped: 0, sizeBytes: 0, expired: 0 };
  #opened = Promise.withResolvers<void>();
  #changed = Promise.withResolvers<void>();
  #isClosed = false;
  readonly #erasures = new AskedErasures();

  /** Queries wait until it has begun and is there. */
  constructor(options: StoreOptions) {
    this.#options = options;
    const { dataDir, maxBytes, maxAgeMs, expireEveryMs = EXPIRE_EVERY_MS } = options;
    const path = join(dataDir, "store", "store.db");
    this.#settings = { path, telemetryDir: join(dataDir, "telemetry"), maxBytes, maxAgeMs, expireEveryMs };
    this.#queries = new QueryThreads(this.#settings.path);
    this.tail = new LogTail({ telemetryDir: this.#settings.telemetryDir }, options.telemetry);
  }

  /** Begins to fill it, which takes a processor: of a daemon that starts when nothing else is waited for. Once. */
  begin(): void {
    this.#start();
  }

  /** `lag`: events that are in the log and not in the store. */
  state(): StoreState & { lag: number } {
    const { positions } = this.#state;
    return { ...this.#state, lag: Math.max(0, this.#options.log.lastPosition - positions.events) };
  }

  /**
   * Answers from what was recorded before the call, as far as the store gets there within two seconds.
   *
   * @throws SandglassError STORE_UNAVAILABLE; the signal's reason
   */
  async ask<Name extends QueryName>(
    name: Name,
    query: QueryArguments<Name>,
    signal?: AbortSignal,
  ): Promise<QueryResult<Name>> {
    await this.#caughtUp(signal);
    return this.#queries.ask(name, query, signal);
  }

  /**
   * Deletes rows, once everything up to the request's position is in. Resolves when nothing of them is in the store's files. Rejects with
   * STORE_UNAVAILABLE where that could not be done: it can be tried again.
   */
  erase(request: EraseRequest): Promise<EraseResult> {
    return this.#erasures.send(request);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#erasures.close();
    this.tail.close();
    // Who writes goes last, and leaves one whole file.
    await this.#queries.close();
    const thread = this.#thread;
    const ended = thread && new Promise<void>((resolve) => thread.once("exit", () => resolve()));
    thread?.postMessage({ kind: "stop" } satisfies IngestCommand);
    await ended;
  }

  async #caughtUp(signal: AbortSignal | undefined): Promise<void> {
    const wanted = this.#options.log.lastPosition;
    await this.#isThere(signal);
    const late = AbortSignal.timeout(CATCH_UP_MS);
    const ended = AbortSignal.any(signal === undefined ? [late] : [late, signal]);
    const gone = new Promise<void>((resolve) =>
      ended.addEventListener("abort", () => resolve(), { once: true }),
    );
    if (this.#state.positions.events < wanted) {
      this.#tellNow();
      this.#thread?.postMessage({ kind: "hurry", position: wanted } satisfies IngestCommand);
    }
    while (this.#state.positions.events < wanted && !ended.aborted)
      await Promise.race([this.#changed.promise, gone]);
    signal?.throwIfAborted();
    const { positions, sizeBytes } = this.#state;
    const hint = "try again; `GET /v1/events` reads the record itself";
    if (sizeBytes === 0) throw new SandglassError("STORE_UNAVAILABLE", "the store is not open yet", { hint });
    if (wanted - positions.events < FILLING_EVENTS) return;
    const share = Math.floor((100 * positions.events) / wanted);
    throw new SandglassError("STORE_UNAVAILABLE", `the store is being filled from the log: ${share} %`, {
      hint,
    });
  }

  async #isThere(signal: AbortSignal | undefined): Promise<void> {
    if (this.#state.sizeBytes > 0) return;
    const late = AbortSignal.timeout(OPEN_MS);
    const ended = AbortSignal.any(signal === undefined ? [late] : [late, signal]);
    const gone = new Promise<void>((resolve) =>
      ended.addEventListener("abort", () => resolve(), { once: true }),
    );
    await Promise.race([this.#opened.promise, gone]);
  }

  #start(): void {
    const thread = new Worker(new URL("./ingest-main.ts", import.meta.url), {
      workerData: this.#settings,
      name: "sandglass-store",
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    thread.unref();
    this.#thread = thread;
    const feed = this.#options.log.feed(
      (update) => thread.postMessage({ kind: "log", log: "events", update } satisfies IngestCommand),
      FEED_EVERY_MS,
    );
    this.#tellNow = () => feed.update();
    // Told from its beginning: what comes of it later tells only what changed.
    const stopFeed = this.#options.telemetry?.((update) =>
      thread.postMessage({ kind: "log", log: "telemetry", update } satisfies IngestCommand),
    );
    thread.on("message", (report: IngestReport) => this.#hear(report));
    this.#erasures.serve(thread);
    thread.on("error", (error) => this.#options.onProblem("the store's thread failed", error));
    thread.once("exit", () => {
      this.#tellNow = () => {};
      feed.stop();
      stopFeed?.();
      this.#erasures.serve(undefined);
      if (this.#isClosed) return;
      setTimeout(() => {
        if (!this.#isClosed) this.#start();
      }, RESTART_MS).unref();
    });
  }

  #hear(report: IngestReport): void {
    switch (report.kind) {
      case "opened":
        this.#opened.resolve();
        void this.#queries.reopen();
        return;
      case "state": {
        this.#state = report.state;
        const { resolve } = this.#changed;
        this.#changed = Promise.withResolvers<void>();
        resolve();
        return;
      }
      case "reset":
        this.#options.onProblem(
          `the store is filled again from the log: ${
            {
              damaged: "its file was damaged",
              newer: "a newer release wrote it",
              log: "the log is another one",
            }[report.reason]
          }`,
        );
        return;
      case "erased":
        return this.#erasures.hear(report);
      case "problem":
        this.#options.onProblem(`the store: ${report.message}`);
        return;
    }
  }
}
