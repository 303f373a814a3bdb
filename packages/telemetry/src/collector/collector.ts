import type { EventInput, FlushResult, SandboxTelemetry } from "@sandglass/protocol";
import { LogUpdates } from "../log/log-updates.ts";
import type { Erased } from "../log/rewrite-segment.ts";
import type { Erasure } from "../record/erasure.ts";
import type { Recorder } from "../recorder.ts";
import { type Ask, CollectorEnded, CollectorLink } from "./collector-link.ts";
import { CollectorTotals } from "./collector-totals.ts";
import { DestinationHealth } from "./destination-health.ts";
import { fixedPorts } from "./fixed-ports.ts";
import { HostEventForwarding } from "./host-event-forwarding.ts";
import type {
  CollectorPlaces,
  CollectorReport,
  CollectorSettings,
  CollectorSnapshot,
  OwnedDerivedEvent,
  PortIdentity,
  RelayTarget,
  SandboxOwner,
} from "./messages.ts";
import type { OutputLines } from "./output-lines.ts";
import { type OutputLineCounts, OutputLogs } from "./output-logs.ts";
import { renewPorts } from "./renew-ports.ts";
import { type SandboxSockets, ServedSandboxes } from "./served-sandboxes.ts";
import type { TelemetryHead } from "./telemetry-record.ts";
import { waitWithin } from "./wait-within.ts";
import { withoutFunctions } from "./without-functions.ts";

export interface CollectorOptions {
  settings: CollectorSettings;
  /** The organisation of a key, as `Authorization` carries it; undefined where there is none. */
  authorize(authorization: string): string | undefined;
  /** Takes what is derived, and how destinations are doing; tells what the host knows of sandboxes that are forwarded. */
  recorder: Recorder;
  /** Told of what no answer and no event says; must not throw. */
  onProblem(message: string, error?: unknown): void;
}

/** Telling of destinations that have changed; and what a stop may take beyond its deadline before the process is ended. */
const RELAY_MS = 2_000;
const STOP_GRACE_MS = 500;

/**
 * Takes what programs in sandboxes, and those of the host with a key, send with OTLP. It runs in a process of its own, so that no
 * connection out of a sandbox is on the event loop that serves requests; should that process end, it is started again and serves
 * the same sandboxes.
 */
export class Collector {
  /** What there is in the log of telemetry, for readers in other threads. */
  readonly logUpdates = new LogUpdates();
  readonly #options: CollectorOptions;
  readonly #link: CollectorLink;
  readonly #sandboxes: ServedSandboxes;
  readonly #outputLogs: OutputLogs;
  #targets: readonly RelayTarget[] = [];
  #starting: Promise<void> = Promise.resolve();
  readonly #forwarding: HostEventForwarding;
  readonly #health: DestinationHealth;
  readonly #totals = new CollectorTotals();
  #places: CollectorPlaces = { socketPath: "" };
  readonly #ask: Ask = (command) => this.#link.ask(command);

  private constructor(options: CollectorOptions) {
    this.#options = options;
    this.#health = new DestinationHealth(options.recorder.emit, options.onProblem);
    this.#link = new CollectorLink({
      report: (report) => this.#hear(report),
      started: (ask) => this.#started(ask),
      problem: (message, error) => options.onProblem(message, error),
    });
    this.#sandboxes = new ServedSandboxes(this.#link);
    this.#outputLogs = new OutputLogs({
      append: (records) => this.#append(records),
      destinationOf: (sandboxId) => this.#sandboxes.destinationOf(sandboxId),
      onProblem: (message, error) => options.onProblem(message, error),
    });
    this.#forwarding = new HostEventForwarding({
      log: options.recorder.log,
      append: (records) => this.#append(records),
      end: async (sandboxIds) => {
        // Its destination is over when the last of it is in the log.
        await Promise.all(sandboxIds.map((sandboxId) => this.#outputLogs.settled(sandboxId)));
        await this.#link.call({ kind: "end", sandboxIds });
      },
      endBefore: async () => void (await this.#link.call({ kind: "endBefore" })),
      onProblem: (message, error) => options.onProblem(message, error),
    });
  }

  /** As {@link Collector.begin}, when it serves. Rejects as {@link Collector.ready} does. */
  static async start(options: CollectorOptions): Promise<Collector> {
    const collector = Collector.begin(options);
    await collector.ready();
    return collector;
  }

  /**
   * Starts its process, and does not wait for it: what it is asked until then waits. Where it cannot be started only
   * {@link Collector.ready} says why.
   */
  static begin(options: CollectorOptions): Collector {
    const collector = new Collector(options);
    collector.#starting = collector.#link.start();
    collector.#starting.catch(() => undefined);
    return collector;
  }

  /**
   * Resolves when it serves. Rejects with SandglassError LOG_UNAVAILABLE where its log cannot be opened, with an Error where a port
   * cannot be listened on, and with what a destination cannot be.
   */
  ready(): Promise<void> {
    return this.#starting;
  }

  /** Where programs with a key send to, for the daemon's own port to pass on: OTLP/HTTP over a Unix socket. */
  get socketPath(): string {
    return this.#places.socketPath;
  }

  /** Where it listens beside that, where it was told to: `127.0.0.1:4318`. */
  get listening(): CollectorPlaces["listening"] {
    return this.#places.listening;
  }

  /** Has every key asked about anew: one was revoked, or has another secret. */
  keysChanged = (): void => this.#link.answer({ kind: "keysChanged" });

  /** New connections of the ports are shown this certificate. Rejects with what is wrong with it. */
  renew = (tls: PortIdentity): Promise<void> => renewPorts(this.#options.settings, this.#link, tls);

  /** What it counts, since the daemon began; its process may have begun anew since. */
  snapshot(): CollectorSnapshot & { outputLines: OutputLineCounts; isUp: boolean; restarts: number } {
    const state = { isUp: this.#link.isServing, restarts: Math.max(0, this.#link.generation - 1) };
    return { ...this.#totals.snapshot(), outputLines: this.#outputLogs.counts, ...state };
  }

  /** Counts a request of the host's that was not passed on. */
  countRefused = (reason: string): void => this.#totals.refused(reason);

  /**
   * Serves a sandbox that has no owner yet. What it sends is told to try again.
   *
   * @param open listening sockets in the sandbox, of 4318 and 4317; asked for anew where the process had to be
   */
  attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void> {
    return this.#sandboxes.attach(sandboxId, open);
  }

  /** From now on what it sends belongs to this owner. @throws SandglassError INVALID_REQUEST for a destination that cannot be */
  async claim(sandboxId: string, owner: SandboxOwner): Promise<void> {
    const claimed = this.#sandboxes.claim(sandboxId, owner);
    if (owner.destination !== undefined) this.#forwarding.add(sandboxId, owner, claimed);
    await claimed;
  }

  /** Has lines of an exec's output become log records beside what its sandbox sends. Nobody waits: what finds no room is counted. */
  addLines(batch: OutputLines): void {
    this.#outputLogs.add(batch);
  }

  /** What a sandbox that is attached has sent, up to a second ago; undefined where that is nothing. */
  telemetryOf = (sandboxId: string): SandboxTelemetry | undefined => this.#sandboxes.telemetryOf(sandboxId);

  /** Its processes are gone: resolves when all they had sent, and written, is in the log, with what they sent; lets go of its sockets. */
  async detach(sandboxId: string): Promise<SandboxTelemetry | undefined> {
    const taken = Promise.all([this.#sandboxes.detach(sandboxId), this.#outputLogs.settled(sandboxId)]);
    // Its destination is not over before.
    this.#forwarding.detaching(sandboxId, taken);
    return (await taken)[0];
  }

  /** The record has an ending of everything that a daemon before this one left: so has what it forwarded. */
  recovered(): Promise<void> {
    return this.#forwarding.endBefore(this.#options.recorder.log.lastPosition);
  }

  /** Makes the daemon's own destinations of telemetry be exactly these. Before it serves they are only noted. */
  async relay(targets: readonly RelayTarget[]): Promise<void> {
    // Functions stay here: they are the exporter's of events.
    this.#targets = targets.map(withoutFunctions);
    // A process that is being started is told of them as it starts; one that hangs holds up nothing here.
    if (this.#link.isServing) await waitWithin(RELAY_MS, this.#relay(this.#ask));
  }

  /** Drops the place of a destination that is not among those of {@link relay} any more. */
  async forget(id: string): Promise<void> {
    await this.#link.call({ kind: "forget", id });
    this.#totals.forget(id);
  }

  /** Tries now, whatever the backoff. */
  retry = async (id: string): Promise<void> => void (await this.#link.call({ kind: "retry", id }));

  /** Resolves when what was accepted before is delivered or given up, or the time is over. */
  async flush(timeoutMs = 30_000, ids?: string[]): Promise<FlushResult> {
    return (await this.#link.call({ kind: "flush", timeoutMs, ids })) as FlushResult;
  }

  /** Deletes what was sent by these sandboxes, and about this run. Throws what the file system throws. */
  async erase(erasure: Erasure): Promise<Erased> {
    return (await this.#link.call({ kind: "erase", erasure })) as Erased;
  }

  /** Takes no more, delivers for the time there is, and ends. What remains is delivered after the next start. */
  async stop(deadlineMs: number): Promise<void> {
    // Told to whoever waits for it. One that hangs is ended all the same.
    await waitWithin(
      deadlineMs + STOP_GRACE_MS,
      this.#starting.catch(() => undefined),
    );
    try {
      await this.#forwarding.stop();
      await waitWithin(deadlineMs + STOP_GRACE_MS, this.#link.ask({ kind: "stop", deadlineMs }));
    } catch (error) {
      if (!(error instanceof CollectorEnded))
        this.#options.onProblem("the collector did not stop in order", error);
    } finally {
      await this.#link.close();
    }
  }

  async #append(records: { head: TelemetryHead; body: Uint8Array }[]): Promise<void> {
    if (records.length > 0) await this.#link.call({ kind: "append", records });
  }

  /** Each process is told everything before it serves anybody. */
  async #started(ask: Ask): Promise<void> {
    const { settings } = this.#options;
    if (this.#link.generation > 1) this.#totals.began();
    const listen = settings.listen && fixedPorts(settings.listen, this.#places.listening);
    this.#places = (await ask({ kind: "start", settings: { ...settings, listen } })) as CollectorPlaces;
    let told: readonly RelayTarget[];
    do {
      told = this.#targets;
      await this.#relay(ask);
    } while (told !== this.#targets);
    // It serves a moment after this: what is noted until then has to be told as well.
    setImmediate(() => {
      if (told !== this.#targets) void this.#relay(this.#ask);
    });
    // Those that are there were served by the one before.
    if (this.#link.generation > 1) setImmediate(() => void this.#serveAgain());
  }

  /** What cannot be done about destinations must not keep sandboxes from being served. */
  async #relay(ask: Ask): Promise<void> {
    try {
      await ask({ kind: "relay", targets: [...this.#targets] });
    } catch (error) {
      if (!(error instanceof CollectorEnded)) this.#options.onProblem("telemetry is not passed on", error);
    }
  }

  async #serveAgain(): Promise<void> {
    const { onProblem } = this.#options;
    await this.#sandboxes.serveAgain((sandboxId, error) =>
      onProblem(`the telemetry of ${sandboxId} is not taken any more`, error),
    );
    // What the process before forwarded, and nobody has claimed anew, is over once the last of it is told.
    if (!(await this.#forwarding.settled((sandboxId) => this.#sandboxes.has(sandboxId)))) return;
    await this.#link
      .call({ kind: "endBefore" })
      .catch((error: unknown) => onProblem("destinations of sandboxes that are gone are kept", error));
  }

  #hear(report: Exclude<CollectorReport, { kind: "result" | "pong" }>): void {
    const { authorize, onProblem } = this.#options;
    switch (report.kind) {
      case "log":
        return this.logUpdates.apply(report.update);
      case "snapshot":
        return this.#totals.hear(report.snapshot);
      case "sandboxes":
        return this.#sandboxes.hear(report.sent);
      case "stalled":
        return this.#health.stalled(report);
      case "recovered":
        return this.#health.recovered(report);
      case "problem":
        return onProblem(report.message, report.error);
      case "authorize": {
        const orgId = authorize(report.authorization);
        return this.#link.answer({ kind: "authorized", call: report.call, orgId });
      }
      case "derived": {
        const { call, events } = report;
        this.#record(events).then(
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
}
