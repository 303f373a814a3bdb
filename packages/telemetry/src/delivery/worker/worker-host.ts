import { Worker } from "node:worker_threads";
import type { FlushResult } from "@sandglass/protocol";
import type { DurableLog } from "../../log/durable-log.ts";
import type { LogFeed } from "../../log/log-feed.ts";
import {
  type ExporterSnapshot,
  FEED_EVERY_MS,
  type WorkerCommand,
  type WorkerReport,
  type WorkerSettings,
} from "./messages.ts";

/** Before a thread that ended by itself is started again; twice as long each time it ends before it has run for a minute. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 30_000;
const STEADY_MS = 60_000;

/** The thread ended before it answered. It is started again, and told of its exporters. */
export class ThreadEnded extends Error {
  override readonly name = "ThreadEnded";

  constructor() {
    super("the thread of the exporters ended");
  }
}

/** What the host tells an exporter that runs in the thread. */
export interface WorkerTenant {
  readonly id: string;
  snapshot(snapshot: ExporterSnapshot): void;
  stalled(reason: string, lagEvents: number): void;
  recovered(stalledMs: number): void;
  /** The thread is new and knows nothing of it. */
  restart(): void;
}

type Call = { resolve(value: FlushResult | undefined): void; reject(error: Error): void };
type WithoutCall<T> = T extends { call: number } ? Omit<T, "call"> : never;

/**
 * The thread that exporters run in, so that no encoding, compressing or catching up of theirs holds up a request. It is started
 * when the first needs it, and again should it end; its exporters continue where their cursors are.
 */
export class WorkerHost {
  readonly #log: DurableLog;
  readonly #settings: WorkerSettings;
  readonly #onProblem: (message: string, error?: unknown) => void;
  readonly #tenants = new Map<string, WorkerTenant>();
  readonly #calls = new Map<number, Call>();
  #worker: Worker | undefined;
  #feed: LogFeed | undefined;
  #lastCall = 0;
  #isClosed = false;
  #startedAt = 0;
  #restartMs = RESTART_MS / 2;

  constructor(
    log: DurableLog,
    settings: WorkerSettings,
    onProblem: (message: string, error?: unknown) => void,
  ) {
    this.#log = log;
    this.#settings = settings;
    this.#onProblem = onProblem;
  }

  add(tenant: WorkerTenant): void {
    this.#tenants.set(tenant.id, tenant);
  }

  remove(id: string): void {
    this.#tenants.delete(id);
    if (this.#tenants.size > 0) return;
    // Nobody there listens: those who append are not to pay for it.
    this.#feed?.stop();
    this.#feed = undefined;
  }

  /** Resolves with the thread's answer; rejects where it ended first. `signal` cuts a flush short. */
  call(
    command: WithoutCall<Exclude<WorkerCommand, { kind: "abort" }>>,
    signal?: AbortSignal,
  ): Promise<FlushResult | undefined> {
    const call = ++this.#lastCall;
    const { promise, resolve, reject } = Promise.withResolvers<FlushResult | undefined>();
    this.#calls.set(call, { resolve, reject });
    const abort = (): void => this.post({ kind: "abort", call });
    // What it is about has to be known there first.
    this.#running();
    this.#holdOpen();
    this.#feed?.update();
    this.post({ ...command, call } as WorkerCommand);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  post(command: WorkerCommand): void {
    this.#worker?.postMessage(command);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#feed?.stop();
    await this.#worker?.terminate();
  }

  #running(): void {
    this.#worker ??= this.#begin();
    this.#feed ??= this.#log.feed((update) => this.post({ kind: "log", update }), FEED_EVERY_MS);
  }

  #begin(): Worker {
    const worker = new Worker(new URL("./worker-main.ts", import.meta.url), {
      workerData: this.#settings,
      name: "sandglass-exporters",
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    // It must not keep alive a program that has nothing else to do.
    worker.unref();
    worker.on("message", (report: WorkerReport) => this.#hear(report));
    worker.on("error", (error) => this.#onProblem("the thread of the exporters failed", error));
    worker.once("exit", () => this.#ended(worker));
    this.#startedAt = performance.now();
    return worker;
  }

  /** A program that waits for an answer does not end before it has it. */
  #holdOpen(): void {
    if (this.#calls.size > 0) this.#worker?.ref();
    else this.#worker?.unref();
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#feed?.stop();
    this.#feed = undefined;
    for (const { reject } of this.#calls.values()) reject(new ThreadEnded());
    this.#calls.clear();
    if (this.#isClosed || this.#tenants.size === 0) return;
    const wasSteady = performance.now() - this.#startedAt > STEADY_MS;
    this.#restartMs = wasSteady ? RESTART_MS : Math.min(MAX_RESTART_MS, this.#restartMs * 2);
    setTimeout(() => {
      if (!this.#isClosed) for (const tenant of this.#tenants.values()) tenant.restart();
    }, this.#restartMs).unref();
  }

  #hear(report: WorkerReport): void {
    switch (report.kind) {
      case "result": {
        const call = this.#calls.get(report.call);
        this.#calls.delete(report.call);
        this.#holdOpen();
        if (report.error === undefined) call?.resolve(report.value);
        else call?.reject(new Error(report.error));
        return;
      }
      case "snapshots":
        for (const snapshot of report.snapshots) this.#tenants.get(snapshot.info.id)?.snapshot(snapshot);
        return;
      case "stalled":
        return this.#tenants.get(report.id)?.stalled(report.reason, report.lagEvents);
      case "recovered":
        return this.#tenants.get(report.id)?.recovered(report.stalledMs);
      case "problem":
        return this.#onProblem(report.message, report.error);
    }
  }
}
