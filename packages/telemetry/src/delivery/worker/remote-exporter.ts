import type { ExporterInfo, FlushResult } from "@sandglass/protocol";
import type { DurableLog } from "../../log/durable-log.ts";
import { CLOSE_MS, type ExporterHandle } from "../exporter-handle.ts";
import type { ExporterOptions, ExporterOwner } from "../exporter-options.ts";
import { Ledger } from "../ledger.ts";
import { readerName } from "../managed-exporter.ts";
import type { ExporterSnapshot } from "./messages.ts";
import { ThreadEnded, type WorkerHost, type WorkerTenant } from "./worker-host.ts";

export interface RemoteExporterOptions {
  id: string;
  options: ExporterOptions;
  owner: ExporterOwner;
  destination: string;
  log: DurableLog;
  host: WorkerHost;
  onStall(reason: string, lagEvents: number): void;
  onRecover(stalledMs: number): void;
  onProblem(message: string, error?: unknown): void;
}

/** An exporter that runs in the thread of the exporters, as this side knows it: what it last told, and what was appended since. */
export class RemoteExporter implements ExporterHandle, WorkerTenant {
  readonly id: string;
  readonly #options: RemoteExporterOptions;
  #last: ExporterSnapshot;
  #hasStopped = false;

  constructor(options: RemoteExporterOptions) {
    this.id = options.id;
    this.#options = options;
    this.#last = this.#beforeTheFirst();
  }

  async start(): Promise<void> {
    const { host, log } = this.#options;
    const reader = log.readerAt(readerName(this.id));
    // The thread begins with what is on disk.
    await reader.commit(reader.committed);
    host.add(this);
    try {
      await this.#start();
    } catch (error) {
      // The next thread is told of it.
      if (!(error instanceof ThreadEnded)) throw error;
    }
  }

  async stop(graceMs: number, closeMs: number = CLOSE_MS): Promise<void> {
    const { host, log } = this.#options;
    this.#hasStopped = true;
    try {
      await host.call({ kind: "stop", id: this.id, graceMs, closeMs });
    } catch (error) {
      // What runs in it has ended with it.
      if (!(error instanceof ThreadEnded)) throw error;
    } finally {
      host.remove(this.id);
      // What this side knows of the cursor is old: whoever reads next reads the file.
      log.detachReader(readerName(this.id));
    }
  }

  async flush(signal: AbortSignal): Promise<FlushResult> {
    const { host, onProblem } = this.#options;
    try {
      const result = await host.call({ kind: "flush", id: this.id }, signal);
      if (result) return result;
    } catch (error) {
      onProblem(`the exporter ${this.id} was not flushed`, error);
    }
    const { queued, inFlight } = this.info().counts;
    return { delivered: 0, dropped: 0, pending: queued + inFlight };
  }

  retry(): void {
    this.#options.host.post({ kind: "retry", id: this.id });
  }

  info(): ExporterInfo {
    const { info, lastPosition } = this.#last;
    const appended = Math.max(0, this.#options.log.lastPosition - lastPosition);
    const { counts } = info;
    return {
      ...info,
      counts: {
        ...counts,
        dropped: { ...counts.dropped },
        accepted: counts.accepted + appended,
        queued: counts.queued + appended,
      },
    };
  }

  snapshot(snapshot: ExporterSnapshot): void {
    const { log } = this.#options;
    this.#last = snapshot;
    const name = readerName(this.id);
    if (snapshot.info.state === "disabled") log.detachReader(name);
    else if (!this.#hasStopped) log.readerAt(name).observe(snapshot.committed, snapshot.gapRecords);
  }

  stalled(reason: string, lagEvents: number): void {
    this.#options.onStall(reason, lagEvents);
  }

  recovered(stalledMs: number): void {
    this.#options.onRecover(stalledMs);
  }

  restart(): void {
    this.#start().catch((error: unknown) =>
      this.#options.onProblem(`the exporter ${this.id} did not start again`, error),
    );
  }

  async #start(): Promise<void> {
    const { host, options, owner } = this.#options;
    await host.call({ kind: "start", id: this.id, options, owner });
  }

  #beforeTheFirst(): ExporterSnapshot {
    const { log, options, owner, destination } = this.#options;
    const { committed, data, gapRecords } = log.readerAt(readerName(this.id));
    const ledger = new Ledger(committed, data);
    const { lastPosition } = log;
    const info: ExporterInfo = {
      id: this.id,
      provider: options.provider,
      destination,
      state: ledger.disabled === undefined ? "running" : "disabled",
      origin: owner.origin,
      counts: ledger.counts(lastPosition),
      lagMs: 0,
      failedAttempts: 0,
      failedEvents: 0,
      filterErrors: 0,
    };
    return { info, lastPosition, committed, gapRecords };
  }
}
