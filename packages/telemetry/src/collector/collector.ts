import type { EventInput, FlushResult } from "@sandglass/protocol";
import { HealthEvents } from "../delivery/health-events.ts";
import { emptyCounts } from "../otlp/receiver/tenant-account.ts";
import type { Recorder } from "../recorder.ts";
import { CollectorEnded, CollectorLink } from "./collector-link.ts";
import { HostEventForwarding } from "./host-event-forwarding.ts";
import type {
  CollectorCommand,
  CollectorPlaces,
  CollectorReport,
  CollectorSettings,
  CollectorSnapshot,
  OwnedDerivedEvent,
  RelayTarget,
  SandboxOwner,
} from "./messages.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

/** Listening sockets as Node hands them around. */
export interface SandboxSockets {
  readonly http: object;
  readonly grpc: object;
}

export interface CollectorOptions {
  settings: CollectorSettings;
  /** The organisation of a key, as `Authorization` carries it; undefined where there is none. */
  authorize(authorization: string): string | undefined;
  /** Takes what is derived, and how destinations are doing; tells what the host knows of sandboxes that are forwarded. */
  recorder: Recorder;
  /** Told of what no answer and no event says; must not throw. */
  onProblem(message: string, error?: unknown): void;
}

const DEFAULT_FLUSH_MS = 30_000;
/** Destinations whose stalls and recoveries are told in one trace each. */
const MAX_HEALTH = 1_000;

interface Entry {
  open(): Promise<SandboxSockets>;
  owner: SandboxOwner | undefined;
  /** The process that serves it. */
  servedBy: number;
  serving: Promise<void> | undefined;
}

/** What a collector counts before it has told anything. */
const NOTHING_YET: CollectorSnapshot = {
  received: emptyCounts(),
  log: { bytes: 0, appended: 0, lastPosition: 0 },
  relays: [],
  forwarding: { destinations: 0, stalled: 0, accepted: 0, delivered: 0, queued: 0, dropped: {} },
  derived: { events: {}, unknownModels: {} },
  cpuMs: 0,
  rssBytes: 0,
};

/**
 * Takes what programs in sandboxes, and those of the host with a key, send with OTLP. It runs in a process of its own, so that no
 * connection out of a sandbox is on the event loop that serves requests; should that process end, it is started again and serves
 * the same sandboxes.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #link: CollectorLink;
  readonly #sandboxes = new Map<string, Entry>();
  #targets: readonly RelayTarget[] = [];
  readonly #forwarding: HostEventForwarding;
  readonly #health = new Map<string, HealthEvents>();
  #last = NOTHING_YET;
  #places: CollectorPlaces = { socketPath: "" };

  private constructor(options: CollectorOptions) {
    this.#options = options;
    this.#link = new CollectorLink({
      report: (report) => this.#hear(report),
      started: () => this.#started(),
      problem: (message, error) => options.onProblem(message, error),
    });
    this.#forwarding = new HostEventForwarding({
      log: options.recorder.log,
      append: (records) => this.#append(records),
      end: (sandboxIds) => this.#end({ kind: "end", sandboxIds }),
      endBefore: () => this.#end({ kind: "endBefore" }),
      onProblem: (message, error) => options.onProblem(message, error),
    });
  }

  /** @throws SandglassError LOG_UNAVAILABLE where its log cannot be opened; Error where a port cannot be listened on */
  static async start(options: CollectorOptions): Promise<Collector> {
    const collector = new Collector(options);
    await collector.#link.start();
    return collector;
  }

  /** Where programs with a key send to, for the daemon's own port to pass on: OTLP/HTTP over a Unix socket. */
  get socketPath(): string {
    return this.#places.socketPath;
  }

  /** Where it listens beside that, where it was told to: `127.0.0.1:4318`. */
  get listening(): CollectorPlaces["listening"] {
    return this.#places.listening;
  }

  snapshot(): CollectorSnapshot {
    return this.#last;
  }

  /**
   * Serves a sandbox that has no owner yet. What it sends is told to try again.
   *
   * @param open listening sockets in the sandbox, of 4318 and 4317; asked for anew where the process had to be
   */
  attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void> {
    const entry: Entry = { open, owner: undefined, servedBy: 0, serving: undefined };
    this.#sandboxes.set(sandboxId, entry);
    return this.#serve(sandboxId, entry);
  }

  /** From now on what it sends belongs to this owner. @throws SandglassError INVALID_REQUEST for a destination that cannot be */
  async claim(sandboxId: string, owner: SandboxOwner): Promise<void> {
    const entry = this.#sandboxes.get(sandboxId);
    if (entry === undefined) throw new Error(`${sandboxId} is not attached`);
    const claimed = this.#claim(sandboxId, entry, owner);
    if (owner.destination !== undefined) this.#forwarding.add(sandboxId, owner.template, claimed);
    await claimed;
  }

  async #claim(sandboxId: string, entry: Entry, owner: SandboxOwner): Promise<string | undefined> {
    for (;;) {
      try {
        const value = await this.#link.ask({ kind: "claim", sandboxId, owner });
        entry.owner = owner;
        return (value as { destinationId: string }).destinationId || undefined;
      } catch (error) {
        if (!(error instanceof CollectorEnded)) throw error;
        await this.#serve(sandboxId, entry);
      }
    }
  }

  /** Its processes are gone: resolves when all they had sent is in the log, and lets go of its sockets. */
  async detach(sandboxId: string): Promise<void> {
    if (!this.#sandboxes.delete(sandboxId)) return;
    try {
      await this.#link.ask({ kind: "detach", sandboxId });
    } catch (error) {
      // What it served has ended with it.
      if (!(error instanceof CollectorEnded)) throw error;
    }
  }

  /** The record has an ending of everything that a daemon before this one left: so has what it forwarded. */
  recovered(): Promise<void> {
    return this.#forwarding.endBefore(this.#options.recorder.log.lastPosition);
  }

  /** Makes the daemon's own destinations of telemetry be exactly these. */
  async relay(targets: readonly RelayTarget[]): Promise<void> {
    // Functions stay here: they are the exporter's of events.
    this.#targets = targets.map(withoutFunctions);
    await this.#link.call({ kind: "relay", targets: [...this.#targets] });
  }

  /** Tries now, whatever the backoff. */
  async retry(id: string): Promise<void> {
    await this.#link.call({ kind: "retry", id });
  }

  /** Resolves when what was accepted before is delivered or given up, or the time is over. */
  async flush(timeoutMs = DEFAULT_FLUSH_MS, ids?: string[]): Promise<FlushResult> {
    return (await this.#link.call({ kind: "flush", timeoutMs, ids })) as FlushResult;
  }

  /** Takes no more, delivers for the time there is, and ends. What remains is delivered after the next start. */
  async stop(deadlineMs: number): Promise<void> {
    try {
      await this.#forwarding.stop();
      await this.#link.ask({ kind: "stop", deadlineMs });
    } catch (error) {
      if (!(error instanceof CollectorEnded)) throw error;
    } finally {
      await this.#link.close();
    }
  }

  async #append(records: { head: TelemetryHead; body: Uint8Array }[]): Promise<void> {
    if (records.length > 0) await this.#link.call({ kind: "append", records });
  }

  async #end(command: Extract<CollectorCommand, { kind: "end" | "endBefore" }>): Promise<void> {
    await this.#link.call(command);
  }

  /** Each process is told everything before it serves anybody. */
  async #started(): Promise<void> {
    const value = await this.#link.ask({ kind: "start", settings: this.#options.settings });
    this.#places = value as CollectorPlaces;
    await this.#link.ask({ kind: "relay", targets: [...this.#targets] });
    // Those that are there were served by the one before.
    if (this.#link.generation > 1) setImmediate(() => void this.#serveAgain());
  }

  async #serveAgain(): Promise<void> {
    const { onProblem } = this.#options;
    await Promise.all(
      [...this.#sandboxes].map(([sandboxId, entry]) =>
        this.#serve(sandboxId, entry).catch((error: unknown) =>
          onProblem(`the telemetry of ${sandboxId} is not taken any more`, error),
        ),
      ),
    );
    // What the process before forwarded, and nobody has claimed anew, is over.
    await this.#end({ kind: "endBefore" }).catch((error: unknown) =>
      onProblem("destinations of sandboxes that are gone are kept", error),
    );
  }

  #serve(sandboxId: string, entry: Entry): Promise<void> {
    entry.serving ??= this.#hand(sandboxId, entry).finally(() => {
      entry.serving = undefined;
    });
    return entry.serving;
  }

  async #hand(sandboxId: string, entry: Entry): Promise<void> {
    while (entry.servedBy !== this.#link.generation) {
      await this.#link.ready();
      const { generation } = this.#link;
      const sockets = await entry.open();
      try {
        await Promise.all([
          this.#link.ask({ kind: "attach", sandboxId, transport: "http" }, sockets.http),
          this.#link.ask({ kind: "attach", sandboxId, transport: "grpc" }, sockets.grpc),
        ]);
        if (entry.owner !== undefined) await this.#link.ask({ kind: "claim", sandboxId, owner: entry.owner });
        entry.servedBy = generation;
      } catch (error) {
        if (!(error instanceof CollectorEnded)) throw error;
      }
    }
  }

  #hear(report: Exclude<CollectorReport, { kind: "result" }>): void {
    const { authorize, onProblem } = this.#options;
    switch (report.kind) {
      case "snapshot":
        this.#last = report.snapshot;
        return;
      case "stalled":
        return this.#healthOf(report).stalled(report.reason, report.lagEvents);
      case "recovered":
        return this.#healthOf(report).recovered(report.stalledMs);
      case "problem":
        return onProblem(report.message, report.error);
      case "authorize": {
        const { call, authorization } = report;
        return this.#link.answer({ kind: "authorized", call, orgId: authorize(authorization) });
      }
      case "derived": {
        const { call } = report;
        this.#record(report.events).then(
          () => this.#link.answer({ kind: "recorded", call }),
          (error: Error) => this.#link.answer({ kind: "recorded", call, error: error.message }),
        );
      }
    }
  }

  async #record(events: readonly OwnedDerivedEvent[]): Promise<void> {
    // The union cannot follow that type and data come from one event.
    await Promise.all(events.map((event) => this.#options.recorder.emit(event as EventInput)));
  }

  /** What it says of itself is in one trace. */
  #healthOf({ id, orgId = "default" }: { id: string; orgId: string | undefined }): HealthEvents {
    let health = this.#health.get(id);
    if (health === undefined) {
      const { recorder, onProblem } = this.#options;
      health = new HealthEvents(recorder.emit, id, orgId, onProblem);
      if (this.#health.size >= MAX_HEALTH) this.#health.clear();
      this.#health.set(id, health);
    }
    return health;
  }
}

function withoutFunctions({ id, owner, options }: RelayTarget): RelayTarget {
  const { provider, config = {}, startAt } = options;
  const plain = Object.entries(config).filter(([, value]) => typeof value !== "function");
  return {
    id,
    owner,
    options: { provider, config: Object.fromEntries(plain), ...(startAt !== undefined && { startAt }) },
  };
}
