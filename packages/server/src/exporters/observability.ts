import {
  type ExporterInfo,
  type ExporterSpec,
  type FlushRequest,
  type FlushResult,
  SandglassError,
} from "@sandglass/protocol";
import { parseRequest, ExporterSpec as specSchema } from "@sandglass/protocol/schemas";
import type { Collector, Recorder } from "@sandglass/telemetry";
import { Delivery, type ExporterOptions, type ExporterOwner, isRelay } from "@sandglass/telemetry";
import type { LoadedConfig } from "../config.ts";
import {
  exporterExists,
  exporterIsConfigured,
  exporterNotFound,
  tooManyExporters,
} from "./exporter-errors.ts";
import { exporterRegistry } from "./exporter-providers.ts";
import { KeptExporters, ownerOf } from "./kept-exporters.ts";
import { toConfigError } from "./to-config-error.ts";

/** Of a program that adds an exporter to its own sandglass. */
const PROGRAM: ExporterOwner = { origin: "api", isTrusted: true };

interface OpenOptions {
  recorder: Recorder;
  /** Whose telemetry `otel` exporters pass on beside the events. */
  collector?: Collector | undefined;
  loaded: LoadedConfig;
  /** Where this daemon is reached: no exporter may send there. */
  ownOrigins?: readonly string[] | undefined;
  /** Told of what no answer and no event says; must not throw. */
  onProblem: (message: string, error?: unknown) => void;
}

/**
 * Where events are delivered to: the exporters of the configuration, those that were added through the API and are kept, and
 * those that a program adds to its own sandglass, which last as long as it runs.
 */
export class Observability {
  /** Called after each change of the exporters. What it throws is the change's failure. */
  onChange: (() => Promise<void>) | undefined;
  /** Of the daemon. */
  readonly dataDir: string;
  readonly #delivery: Delivery;
  readonly #kept: KeptExporters;
  readonly #collector: Collector | undefined;
  /** One change at a time, so that what runs and what is on disk do not differ. */
  #changing: Promise<unknown> = Promise.resolve();
  #isShutDown = false;

  private constructor(
    dataDir: string,
    delivery: Delivery,
    kept: KeptExporters,
    collector: Collector | undefined,
  ) {
    this.dataDir = dataDir;
    this.#delivery = delivery;
    this.#kept = kept;
    this.#collector = collector;
  }

  /** @throws ConfigError naming the option; Error where `exporters.json` cannot be understood */
  static async open(options: OpenOptions): Promise<Observability> {
    const { recorder, collector, loaded, ownOrigins = [], onProblem } = options;
    const { config, env, cwd } = loaded;
    const { dataDir } = config;
    const kept = await KeptExporters.open(dataDir);
    const registry = exporterRegistry;
    const delivery = await Delivery.open({
      recorder,
      dataDir,
      registry,
      env,
      cwd,
      ownOrigins,
      onProblem,
    });
    try {
      const observability = new Observability(dataDir, delivery, kept, collector);
      await observability.configure(loaded);
      for (const entry of kept.all()) {
        const error = await kept.bringBack(entry, delivery);
        if (error !== undefined) onProblem(`the exporter ${entry.spec.id} could not be started`, error);
      }
      await observability.#relay();
      return observability;
    } catch (error) {
      await delivery.shutdown(0);
      throw error;
    }
  }

  /**
   * Makes the exporters of the configuration be exactly those of `loaded`; one that stays continues where it was.
   *
   * @throws ConfigError, having changed nothing
   */
  configure(loaded: LoadedConfig): Promise<void> {
    return this.#change(async () => {
      try {
        // Also at start, when those that are kept come after: an entry without an id must not take the name, and the place, of one.
        const kept = this.#kept.all().map(({ spec }) => spec.id);
        await this.#delivery.configure(loaded.config.observability.exporters, kept);
      } catch (error) {
        throw toConfigError(error, loaded);
      }
    });
  }

  /** All exporters, or those of one organisation. */
  list(orgId?: string): ExporterInfo[] {
    const running = this.#delivery.list(orgId);
    // One whose id the configuration has taken meanwhile is there once.
    const broken = this.#kept.broken(orgId).filter(({ id }) => this.#delivery.find(id) === undefined);
    const relays = new Map(
      this.#collector?.snapshot().relays.map(({ id, items: _, ...telemetry }) => [id, telemetry]),
    );
    return [...running, ...broken].map((info) => {
      const telemetry = relays.get(info.id);
      return telemetry === undefined ? info : { ...info, telemetry };
    });
  }

  /** @throws SandglassError EXPORTER_NOT_FOUND, also for one that is not the organisation's */
  get(id: string, orgId?: string): ExporterInfo {
    const info = this.list(orgId).find((exporter) => exporter.id === id);
    if (info === undefined) throw exporterNotFound(id);
    return info;
  }

  /**
   * Adds an exporter for as long as this process runs. Under an id that was there before, it continues where that one was.
   *
   * @throws SandglassError INVALID_REQUEST, EXPORTER_CONFLICT
   * @example await sandglass.observability.add({ provider: "jsonl", config: { filePath: "./events.jsonl" } })
   */
  add(options: ExporterOptions): Promise<ExporterInfo> {
    return this.#change(() => this.#add(options, PROGRAM));
  }

  /**
   * Adds an exporter that comes back at every start.
   *
   * @param limit exporters that the owner's organisation may have at once
   * @param confirm as `ChangeTerms` has it
   * @throws SandglassError INVALID_REQUEST, EXPORTER_CONFLICT, EXPORTER_LIMIT_REACHED
   */
  keep(
    spec: ExporterSpec,
    owner: ExporterOwner,
    { limit = Number.POSITIVE_INFINITY, confirm }: { limit?: number; confirm?: () => void } = {},
  ): Promise<ExporterInfo> {
    return this.#change(async () => {
      if (this.list(owner.orgId).length >= limit) throw tooManyExporters(limit);
      const info = await this.#add(spec, owner, confirm);
      try {
        await this.#kept.set({ ...spec, id: info.id }, owner);
      } catch (error) {
        await this.#delivery.remove(info.id, { forget: true });
        throw error;
      }
      return info;
    });
  }

  /**
   * Configures an exporter anew; it continues where it was.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND, EXPORTER_CONFLICT for one of the configuration, INVALID_REQUEST
   */
  replace(id: string, options: ExporterOptions, confirm?: () => void): Promise<ExporterInfo> {
    return this.#change(async () => {
      const owner = this.#ownerOf(id);
      if (options.id !== undefined && options.id !== id)
        throw new SandglassError("INVALID_REQUEST", "id must be that of the exporter, or be left out");
      const before = this.#kept.get(id);
      if (before === undefined) return this.#delivery.replace(id, { ...options, id }, owner, { confirm });
      // What is kept is JSON.
      const spec = { ...parseRequest(specSchema, options), id };
      const isRunning = this.#delivery.find(id) !== undefined;
      const info = isRunning
        ? await this.#delivery.replace(id, spec, owner, { confirm })
        : await this.#delivery.add(spec, owner, { confirm });
      try {
        await this.#kept.set(spec, owner);
      } catch (error) {
        if (isRunning) await this.#delivery.replace(id, before.spec, owner);
        else await this.#delivery.remove(id);
        throw error;
      }
      return info;
    });
  }

  /**
   * Ends an exporter. One that is added under its id later continues where it was, unless that is forgotten too.
   *
   * @throws SandglassError EXPORTER_NOT_FOUND, EXPORTER_CONFLICT for one of the configuration
   */
  remove(id: string, options: { forget?: boolean; confirm?: () => void } = {}): Promise<void> {
    return this.#change(async () => {
      options.confirm?.();
      this.#ownerOf(id);
      await this.#kept.delete(id);
      if (this.#delivery.find(id) !== undefined) await this.#delivery.remove(id, options);
      if (options.forget !== true) return;
      await this.#relay();
      await this.#collector?.forget(id);
    });
  }

  /** Tries now, whatever the backoff; wakes one that is disabled. @throws SandglassError EXPORTER_NOT_FOUND */
  retry(id: string): Promise<ExporterInfo> {
    return this.#change(async () => {
      const kept = this.#kept.isBroken(id) ? this.#kept.get(id) : undefined;
      await this.#collector?.retry(id);
      if (this.#delivery.find(id) !== undefined) this.#delivery.retry(id);
      else if (kept !== undefined) await this.#kept.bringBack(kept, this.#delivery);
      return this.get(id);
    });
  }

  /** Has exporters of events let go of what they hold and read it from the log again: it may have been deleted there. */
  reread(): Promise<void> {
    return this.#change(() => this.#delivery.reread());
  }

  /**
   * Resolves when everything accepted before it is delivered or given up, or the time is over (default 30 s).
   *
   * @throws SandglassError EXPORTER_NOT_FOUND
   */
  async flush({ ids, timeoutMs }: FlushRequest = {}): Promise<FlushResult> {
    for (const id of ids ?? []) this.get(id);
    const [events, telemetry] = await Promise.all([
      this.#delivery.flush({
        ...(ids !== undefined && { ids: ids.filter((id) => this.#delivery.find(id) !== undefined) }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      }),
      this.#collector?.flush(timeoutMs, ids),
    ]);
    return telemetry === undefined ? events : sumOfFlushes(events, telemetry);
  }

  /** Flushes within the deadline and ends all; what remains is delivered after the next start. */
  shutdown(deadlineMs: number): Promise<FlushResult> {
    this.#isShutDown = true;
    return this.#delivery.shutdown(deadlineMs);
  }

  /** Every exporter that runs as it is configured, and by whom. */
  configured(): ReturnType<Delivery["configured"]> {
    return this.#delivery.configured();
  }

  /** Has telemetry go where the exporters of events go now. */
  async #relay(): Promise<void> {
    await this.#collector?.relay(this.configured().filter(({ options }) => isRelay(options)));
    await this.onChange?.();
  }

  async #add(options: ExporterOptions, owner: ExporterOwner, confirm?: () => void): Promise<ExporterInfo> {
    const ids = new Set(this.list().map(({ id }) => id));
    if (options.id !== undefined && ids.has(options.id)) throw exporterExists(options.id);
    // Those that are kept and could not be started have their names too.
    return this.#delivery.add(options, owner, { reserved: ids, confirm });
  }

  /** Of an exporter that may be changed. */
  #ownerOf(id: string): ExporterOwner {
    const running = this.#delivery.ownerOf(id);
    if (running?.origin === "config") throw exporterIsConfigured(id);
    const kept = this.#kept.get(id);
    if (running === undefined && kept === undefined) throw exporterNotFound(id);
    return running ?? ownerOf(kept as NonNullable<typeof kept>);
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(() => {
      // What begins now would outlive the log.
      if (this.#isShutDown) throw new SandglassError("SHUTTING_DOWN", "exporters are being ended");
      // Also where only a part of it could be done.
      return work().finally(() => this.#relay());
    });
    this.#changing = done.catch(() => undefined);
    return done;
  }
}

function sumOfFlushes(events: FlushResult, telemetry: FlushResult): FlushResult {
  return {
    delivered: events.delivered + telemetry.delivered,
    dropped: events.dropped + telemetry.dropped,
    pending: events.pending + telemetry.pending,
  };
}
