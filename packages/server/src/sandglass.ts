import { type Emit, type EventInput, newSpanId, newTraceId, type RuntimeEvent } from "@sandglass/protocol";
import { Runtime, type RuntimeApi } from "@sandglass/runtime";
import {
  type Collector,
  type LogProblem,
  type ObservabilityExporterFactory,
  Recorder,
} from "@sandglass/telemetry";
import { DEFAULT_ORG } from "./caller.ts";
import {
  type LoadedConfig,
  loadConfig,
  type ProviderName,
  type SandglassConfig,
  type SandglassOptions,
} from "./config.ts";
import { configuredTemplates } from "./configured-templates.ts";
import { prepareDataDir } from "./data-format.ts";
import { defaultDestination } from "./default-destination.ts";
import { Deletions } from "./deletion/deletions.ts";
import { endCrashed } from "./end-crashed.ts";
import { registerExporter } from "./exporters/exporter-providers.ts";
import { Observability } from "./exporters/observability.ts";
import { LocalSandboxes } from "./local-sandboxes.ts";
import { Runs } from "./runs.ts";
import { portIdentity, sandboxCollector, startCollector } from "./start-collector.ts";
import { quietCanaries } from "./status/canary-org.ts";
import { Store } from "./store/store.ts";
import { upstreamProxyOf } from "./upstream-proxy.ts";
import { VERSION } from "./version.ts";

/** Share of the stop's time that sandboxes get; the rest is for what is recorded. */
const WORK_SHARE = 0.8;
/** Share of it that exporters get at least, however long the sandboxes took. */
const DELIVERY_SHARE = 0.1;

/** Who watches a sandglass. What it does must be quick and must not throw. */
interface SandglassWatch {
  /** Every event, once it is committed. */
  event?: (event: RuntimeEvent) => void;
  /** What the log survived and someone should know. */
  problem?: (problem: LogProblem) => void;
  /** What exporters could not do, and no event says. */
  exporterProblem?: (message: string, error?: unknown) => void;
  /** Where it is served, if it is: no exporter may send there. */
  origins?: readonly string[];
  /** The organisation of a key, as `Authorization` carries it; undefined for what is none. Default: there are no keys. */
  authorize?: (authorization: string) => string | undefined;
}

/**
 * Runtime and record, joined: everything but HTTP. The daemon serves one of these; a program may have one to itself.
 *
 * @example
 * await using sandglass = await Sandglass.start({ dataDir: "/tmp/sandglass" })
 * const sandbox = await sandglass.sandboxes.create({ template: "python" })
 * const { stdout } = await sandbox.runCode("print(1)")
 */
export class Sandglass implements AsyncDisposable {
  readonly config: SandglassConfig;
  readonly recorder: Recorder;
  readonly runtime: RuntimeApi;
  readonly runs: Runs;
  /** Deletes what this host has of sandboxes and runs. */
  readonly deletions: Deletions;
  readonly sandboxes: LocalSandboxes;
  /** Where events are delivered to, to be looked at and changed while running. */
  readonly observability: Observability;
  /** Takes the telemetry of sandboxes and agents; undefined where that is switched off. */
  readonly collector: Collector | undefined;
  /** What runs are looked up in; undefined where that is switched off. */
  readonly store: Store | undefined;
  readonly #traceId = newTraceId();
  readonly #spanId = newSpanId();
  readonly #startedAt = performance.now();
  #work: Promise<void> | undefined;
  /** `performance.now()` when the stop's time is over. */
  #deadline: number | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    config: SandglassConfig,
    parts: {
      recorder: Recorder;
      runtime: RuntimeApi;
      observability: Observability;
      collector: Collector | undefined;
      store: Store | undefined;
      onProblem: (message: string, error?: unknown) => void;
    },
  ) {
    const { recorder, runtime, observability, collector, store } = parts;
    this.store = store;
    this.config = config;
    this.recorder = recorder;
    this.runtime = runtime;
    this.observability = observability;
    this.collector = collector;
    this.runs = new Runs(
      recorder.emit,
      (runId, orgId) => recorder.findRun(runId, orgId),
      (sandboxId, orgId) => runtime.list(orgId).some(({ id }) => id === sandboxId),
    );
    this.sandboxes = new LocalSandboxes(runtime);
    this.deletions = new Deletions({ ...parts, runs: this.runs, dataDir: config.dataDir });
  }

  /**
   * Makes an exporter of the user's own known to everything that is started in this process, under the name that
   * `observability` calls it by. The same name again replaces it.
   *
   * @param create called for each exporter that names it
   * @throws SandglassError INVALID_REQUEST for a name of ours, or one that cannot be
   * @example Sandglass.registerObservabilityExporter("my-exporter", () => new MyExporter())
   */
  static registerObservabilityExporter(provider: string, create: ObservabilityExporterFactory): void {
    registerExporter(provider, create);
  }

  /**
   * Starts with these options over those of `SANDGLASS_*` and the configuration file.
   *
   * @throws ConfigError; what opening the data directory fails with (another daemon has it, another format)
   */
  static start<const Provider extends ProviderName>(options?: SandglassOptions<Provider>): Promise<Sandglass>;
  static async start(options: SandglassOptions = {}): Promise<Sandglass> {
    return Sandglass.open(await loadConfig({ options }));
  }

  /**
   * Starts with a configuration that is loaded already. When it fails half-way, what was acquired is released in reverse order.
   *
   * @param watch told of everything from `host.started` on
   */
  static async open(loaded: LoadedConfig, watch: SandglassWatch = {}): Promise<Sandglass> {
    const { config } = loaded;
    const { maxBytes, maxAgeMs, outputBytes } = config.retention;
    const { origins: ownOrigins, authorize = () => undefined } = watch;
    const otelExport = defaultDestination(loaded, ownOrigins);
    const tls = await portIdentity(loaded);
    const upstreamProxy = upstreamProxyOf(loaded);
    await prepareDataDir(config.dataDir, VERSION);
    await using acquired = new AsyncDisposableStack();
    const recorder = await Recorder.open({
      dataDir: config.dataDir,
      durability: config.durability,
      retention: { maxBytes, ...(maxAgeMs !== undefined && { maxAgeMs }) },
      enabled: config.recording,
      onProblem: watch.problem,
    });
    acquired.defer(() => recorder.close());
    await Deletions.prepare(config.dataDir, recorder);
    if (watch.event !== undefined) recorder.subscribe(watch.event);
    const onProblem = watch.exporterProblem ?? warn;
    const collector =
      config.collector.enabled && config.recording
        ? startCollector({ loaded, recorder, tls, ownOrigins, authorize, onProblem })
        : undefined;
    acquired.defer(async () => collector?.stop(0));
    const store =
      config.store.enabled && config.recording
        ? new Store({
            dataDir: config.dataDir,
            log: recorder.log,
            telemetry: collector?.logUpdates.follow,
            maxBytes: config.store.maxBytes,
            maxAgeMs: config.store.maxAgeMs ?? maxAgeMs,
            onProblem,
          })
        : undefined;
    acquired.defer(async () => store?.close());
    // Before anything happens that there are events about, so that an exporter which is new gets all of them.
    const observability = await Observability.open({
      recorder,
      collector,
      loaded,
      ownOrigins,
      onProblem,
    });
    acquired.defer(async () => void (await observability.shutdown(0)));
    const runtime = await Runtime.start({
      dataDir: config.dataDir,
      emit: quietCanaries(recorder.emit),
      ...(collector !== undefined && {
        collector: sandboxCollector(collector, loaded, ownOrigins),
        onLines: (lines) => collector.addLines(lines),
      }),
      ...(otelExport !== undefined && { otelExport }),
      upstreamProxy,
      templates: configuredTemplates(config),
      maxSandboxes: config.maxSandboxes,
      isolation: config.isolation,
      defaults: config.defaults,
      ...(config.recording && {
        sampling: { intervalMs: config.metricsIntervalMs, costRates: config.costRates },
      }),
      recordOutput: config.recording,
      outputRetentionBytes: outputBytes,
    });
    acquired.defer(() => runtime.close("host_shutdown", config.shutdownTimeoutMs));
    // Its process has started meanwhile.
    await collector?.ready();
    const parts = { recorder, runtime, observability, collector, store, onProblem };
    const sandglass = new Sandglass(config, parts);
    await sandglass.#recover();
    store?.begin();
    sandglass.deletions.resume();
    acquired.move();
    return sandglass;
  }

  /** Commits an event of the host's own. */
  get emit(): Emit {
    return this.recorder.emit;
  }

  /**
   * Stops within the deadline, in this order: takes no more work → ends execs and sandboxes with the cause `host_shutdown` → records
   * `host.stopped` → exporters deliver for the rest of the time and commit their cursors → the log closes. Idempotent.
   */
  async stop(deadlineMs: number = this.config.shutdownTimeoutMs): Promise<void> {
    try {
      await this.endWork(deadlineMs);
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** First half of {@link stop}: every exec and sandbox has its ending in the record. */
  endWork(deadlineMs: number): Promise<void> {
    this.#deadline ??= performance.now() + deadlineMs;
    const work = this.#work ?? this.runtime.close("host_shutdown", Math.floor(deadlineMs * WORK_SHARE));
    this.#work = work;
    return work;
  }

  /**
   * Second half of {@link stop}: nothing that was done is recorded behind `host.stopped`, and exporters get it too. What they do not
   * deliver in time stays in the log, for the next start.
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeRecord();
    return this.#closed;
  }

  async #closeRecord(): Promise<void> {
    try {
      const uptimeMs = Math.round(performance.now() - this.#startedAt);
      await this.emit(this.#hostEvent({ type: "host.stopped", data: { cause: "host_shutdown", uptimeMs } }));
    } finally {
      const least = this.config.shutdownTimeoutMs * DELIVERY_SHARE;
      const leftMs = Math.max(least, (this.#deadline ?? 0) - performance.now());
      await this.deletions.close(leftMs / 2);
      try {
        await Promise.all([
          this.observability.shutdown(leftMs),
          this.collector?.stop(leftMs),
          this.store?.close(),
        ]);
      } finally {
        await this.recorder.close();
      }
    }
  }

  async #recover(): Promise<void> {
    const { openSandboxes, truncatedBytes, corruptRecords } = this.recorder.recovery;
    const execs = openSandboxes.reduce((total, sandbox) => total + sandbox.execs.length, 0);
    const isClean = openSandboxes.length + truncatedBytes + corruptRecords === 0;
    const recovery = { sandboxes: openSandboxes.length, execs, truncatedBytes, corruptRecords };
    const data = { version: VERSION, pid: process.pid, ...(!isClean && { recovery }) };
    await this.emit(this.#hostEvent({ type: "host.started", data }));
    await endCrashed(openSandboxes, this.runtime, this.emit);
    // Not waited for: what a dead daemon forwarded is not in the way of this one.
    this.collector?.recovered().catch((error: unknown) => warn("forwarded telemetry was not ended", error));
  }

  #hostEvent(event: Pick<Extract<EventInput, { type: `host.${string}` }>, "type" | "data">): EventInput {
    const place = { traceId: this.#traceId, spanId: this.#spanId, parentSpanId: "" };
    return { ...event, ...place, level: "info", orgId: DEFAULT_ORG, sandboxId: "", runId: "" } as EventInput;
  }
}

/** For a program that has no better place to hear of it. */
function warn(message: string, error?: unknown): void {
  const detail = error instanceof Error ? error.message : undefined;
  process.emitWarning(message, { code: "SANDGLASS_EXPORTER", ...(detail !== undefined && { detail }) });
}
