import { join } from "node:path";
import { inspect, isDeepStrictEqual } from "node:util";
import type { FlushResult } from "@sandglass/protocol";
import { detachStrangers } from "../delivery/detach-strangers.ts";
import { sum } from "../delivery/exporter-entries.ts";
import { parseStartAt } from "../delivery/exporter-options.ts";
import { ManagedExporter, readerName } from "../delivery/managed-exporter.ts";
import { redactor } from "../delivery/redactor.ts";
import { DEFAULT_RETRY } from "../delivery/retry-schedule.ts";
import type { DurableLog } from "../log/durable-log.ts";
import { reachOf } from "./log-shares.ts";
import type { CollectorReport, CollectorSettings, RelayInfo, RelayTarget } from "./messages.ts";
import { nothingSent, SentItems } from "./sent-items.ts";
import type { Reach } from "./undelivered-bytes.ts";

/** What a request that is under way may take when its target is changed or removed. */
const CHANGE_GRACE_MS = 2_000;
/** After that a destination that takes nothing holds up nobody's telemetry to the others any more. */
const GIVEN_UP_MS = 24 * 3_600_000;

interface Entry {
  readonly target: RelayTarget;
  readonly exporter: ManagedExporter;
}

/** The daemon's own destinations of telemetry: each reads the log for itself, as exporters read that of events. */
export class RelayDelivery {
  readonly #log: DurableLog;
  readonly #settings: CollectorSettings;
  readonly #post: (report: CollectorReport) => void;
  readonly #entries = new Map<string, Entry>();
  /** By destination, over its restarts. */
  readonly #sent = new Map<string, SentItems>();
  /** Those that could not be started. */
  readonly #broken = new Map<string, RelayInfo>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor(log: DurableLog, settings: CollectorSettings, post: (report: CollectorReport) => void) {
    this.#log = log;
    this.#settings = settings;
    this.#post = post;
  }

  /** Makes the destinations be exactly these. One that stays goes on where it was; one that goes leaves its place. */
  configure(targets: readonly RelayTarget[]): Promise<void> {
    const done = this.#changing.then(async () => {
      const wanted = new Map(targets.map((target) => [target.id, target]));
      const gone = [...this.#entries.values()].filter(
        ({ target }) => !isDeepStrictEqual(wanted.get(target.id), target),
      );
      await Promise.all(gone.map(({ target }) => this.#stop(target.id, CHANGE_GRACE_MS)));
      this.#broken.clear();
      for (const target of targets) if (!this.#entries.has(target.id)) await this.#startOrTell(target);
      detachStrangers(this.#log, this.#entries.keys());
    });
    this.#changing = done.catch(() => undefined);
    return done;
  }

  /** Has those that hold anything read it from the log again: it may have been deleted there. What is being sent may end. */
  reread(): Promise<void> {
    const done = this.#changing.then(async () => {
      for (const { target, exporter } of [...this.#entries.values()]) {
        const { state, counts } = exporter.info();
        if (counts.queued + counts.inFlight === 0) continue;
        await this.#stop(target.id, state === "running" ? CHANGE_GRACE_MS : 0);
        await this.#startOrTell(target);
      }
    });
    this.#changing = done.catch(() => undefined);
    return done;
  }

  /** Drops the place of one that is not there any more. */
  async forget(id: string): Promise<void> {
    await this.#changing;
    if (this.#entries.has(id)) return;
    this.#sent.delete(id);
    this.#log.readerAt(readerName(id));
    await this.#log.removeReader(readerName(id));
  }

  retry(id: string): void {
    this.#entries.get(id)?.exporter.retry();
  }

  async flush(signal: AbortSignal, ids?: readonly string[]): Promise<FlushResult> {
    const chosen = [...this.#entries.values()].filter(({ target }) => ids?.includes(target.id) ?? true);
    return sum(await Promise.all(chosen.map(({ exporter }) => exporter.flush(signal))));
  }

  infos(): RelayInfo[] {
    const running = [...this.#entries.values()].map(({ exporter }): RelayInfo => {
      const {
        id,
        state,
        counts,
        lagMs,
        failedAttempts,
        lastError,
        lastDeliveryAt,
        stalledSince,
        deadLetterFile,
      } = exporter.info();
      return {
        id,
        state,
        counts,
        lagMs,
        failedAttempts,
        items: this.#sent.get(id)?.counts ?? nothingSent(),
        ...(lastError && { lastError }),
        ...(lastDeliveryAt !== undefined && { lastDeliveryAt }),
        ...(stalledSince !== undefined && { stalledSince }),
        ...(deadLetterFile !== undefined && { deadLetterFile }),
      };
    });
    return [...running, ...this.#broken.values()];
  }

  /** The first position that those that may still deliver have not settled, by whose telemetry they get. */
  waiting(): Map<Reach, number> {
    const positions = new Map<Reach, number>();
    for (const { target, exporter } of this.#entries.values()) {
      const { state, stalledSince } = exporter.info();
      const isGivenUp = stalledSince !== undefined && Date.now() - Date.parse(stalledSince) > GIVEN_UP_MS;
      if (state === "disabled" || isGivenUp) continue;
      const { orgId } = target.owner;
      const reach = orgId === undefined ? reachOf.all : reachOf.organisation(orgId);
      const { nextPosition } = this.#log.readerAt(readerName(target.id));
      positions.set(reach, Math.min(nextPosition, positions.get(reach) ?? nextPosition));
    }
    return positions;
  }

  async stop(graceMs: number): Promise<void> {
    await this.#changing;
    await Promise.all([...this.#entries.keys()].map((id) => this.#stop(id, graceMs)));
  }

  /** One that cannot be is no reason for another not to be. */
  async #startOrTell(target: RelayTarget): Promise<void> {
    const { id } = target;
    try {
      await this.#start(target);
    } catch (error) {
      this.#entries.delete(id);
      const message = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
      this.#post({
        kind: "problem",
        message: `telemetry is not passed on to the exporter ${id}: ${message}`,
      });
      const lastError = { at: new Date().toISOString(), message };
      const counts = { accepted: 0, delivered: 0, filtered: 0, queued: 0, inFlight: 0, dropped: {} };
      const items = nothingSent();
      this.#broken.set(id, { id, state: "disabled", counts, lagMs: 0, failedAttempts: 0, items, lastError });
    }
  }

  async #start(target: RelayTarget): Promise<void> {
    const { id, options, owner } = target;
    const { env, cwd, ownOrigins, retry, dataDir } = this.#settings;
    // Reads options with a schema library, half of what the collector would load at its start.
    const { prepareRelay } = await import("./prepare-relay.ts");
    const counted = this.#sent.get(id) ?? new SentItems();
    this.#sent.set(id, counted);
    const context = { env, cwd, ownOrigins, isTrusted: owner.isTrusted };
    const prepared = prepareRelay(options, context, owner.orgId, counted);
    const name = readerName(id);
    if (!this.#log.hasCursor(name)) this.#log.readerAt(name, { from: this.#startOf(options.startAt) });
    const redact = redactor(prepared.secrets);
    const exporter = new ManagedExporter({
      id,
      provider: options.provider,
      origin: owner.origin,
      orgId: owner.orgId,
      prepared,
      log: this.#log,
      deadLetterPath: join(dataDir, "dead-letters", `${id}.telemetry.jsonl`),
      retry: { ...DEFAULT_RETRY, ...retry },
      onStall: (reason, lagEvents) =>
        this.#post({ kind: "stalled", id: `${id}.telemetry`, orgId: owner.orgId, reason, lagEvents }),
      onRecover: (stalledMs) =>
        this.#post({ kind: "recovered", id: `${id}.telemetry`, orgId: owner.orgId, stalledMs }),
      onProblem: (message, error) =>
        this.#post({ kind: "problem", message: redact(message), error: redact(inspect(error)) }),
    });
    this.#entries.set(id, { target, exporter });
    await exporter.start();
  }

  async #stop(id: string, graceMs: number): Promise<void> {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    await entry?.exporter.stop(graceMs);
    this.#log.detachReader(readerName(id));
  }

  #startOf(startAt = "latest"): "start" | "end" | number {
    const from = parseStartAt(startAt);
    if (from === "earliest") return "start";
    return from === "latest" ? "end" : this.#log.positionAt(from);
  }
}
