import type { RuntimeEvent } from "@sandglass/protocol";
import { checkBind, provideLocalKey, senderOf, warningsOf } from "./auth.ts";
import { AgentSandbox } from "./compat/agent-sandbox.ts";
import { changedOptions, type LoadedConfig, withObservabilityOf } from "./config.ts";
import { Console } from "./console/console.ts";
import { ConsoleSessions } from "./console/sessions.ts";
import { Credentials } from "./credentials.ts";
import { ExporterAccess } from "./exporters/exporter-access.ts";
import { createApp } from "./http/app.ts";
import { createClientAddresses } from "./http/client-address.ts";
import type { ReportInternal } from "./http/error-answer.ts";
import { createHandlers, createReplays, type HandlerServices } from "./http/handlers.ts";
import { Idempotency } from "./http/idempotency.ts";
import { KeyGate } from "./http/key-gate.ts";
import { Listener, type ListenerOptions } from "./http/listener.ts";
import { type Mount, Mounts } from "./http/mounts.ts";
import { OtlpIntake } from "./http/otlp-intake.ts";
import { RequestEvents } from "./http/request-events.ts";
import { createRequestGuard } from "./http/request-guard.ts";
import type { RequestRecord } from "./http/request-record.ts";
import { Keyring } from "./keys.ts";
import { Metrics } from "./metrics/metrics.ts";
import { SelfMetrics } from "./metrics/self-metrics.ts";
import { Sandglass } from "./sandglass.ts";
import { CANARY_ORG } from "./status/canary-org.ts";
import { StatusPages } from "./status/pages/status-pages.ts";
import { Status } from "./status/status.ts";
import { readTlsIdentity } from "./tls-identity.ts";
import { VERSION } from "./version.ts";

/** Time that answers have to go out once their work has ended, as a share of the stop's. */
const DRAIN_SHARE = 0.1;

const UNRECORDED = "requests without a valid key came faster than limits.keylessEventsPerSecond records them";

/** Watches a daemon from its first event on. */
export interface DaemonObserver {
  /** Told of every event once it is committed. Must return at once. */
  event(event: RuntimeEvent): void;
  /** Told of every request before it is served. */
  request(record: RequestRecord): void;
  /** Lines of a log that were dropped for want of a reader. */
  readonly droppedLines: number;
  /** Told of errors inside the daemon that no caller and no event can say. */
  complain(message: string, error: unknown): void;
}

/** A {@link Sandglass} served over HTTP. */
export class Daemon {
  readonly sandglass: Sandglass;
  readonly metrics: Metrics;
  /** Where this machine reaches it, e.g. `http://127.0.0.1:7070`. */
  readonly baseUrl: string;
  /** What is fine for now and ought to be changed. */
  readonly warnings: readonly string[];
  readonly #listener: Listener;
  readonly #requests: RequestEvents;
  readonly #idempotency: Idempotency;
  readonly #stopping: AbortController;
  readonly #services: HandlerServices;
  readonly #selfMetrics: SelfMetrics;
  readonly #agentSandbox: AgentSandbox | undefined;
  readonly #mounted: Mounts;
  #stopped: Promise<void> | undefined;

  private constructor(parts: {
    sandglass: Sandglass;
    metrics: Metrics;
    baseUrl: string;
    warnings: readonly string[];
    listener: Listener;
    requests: RequestEvents;
    idempotency: Idempotency;
    stopping: AbortController;
    services: HandlerServices;
    selfMetrics: SelfMetrics;
    agentSandbox: AgentSandbox | undefined;
    mounted: Mounts;
  }) {
    this.sandglass = parts.sandglass;
    this.metrics = parts.metrics;
    this.baseUrl = parts.baseUrl;
    this.warnings = parts.warnings;
    this.#listener = parts.listener;
    this.#requests = parts.requests;
    this.#idempotency = parts.idempotency;
    this.#stopping = parts.stopping;
    this.#services = parts.services;
    this.#selfMetrics = parts.selfMetrics;
    this.#agentSandbox = parts.agentSandbox;
    this.#mounted = parts.mounted;
  }

  /**
   * Binds the port, recovers, and serves. When it fails half-way, what was acquired is released in reverse order.
   *
   * @param mounts what is served beside the API
   * @throws ConfigError; what listening and opening the data directory fail with
   */
  static async start(
    loaded: LoadedConfig,
    observer: DaemonObserver,
    mounts: readonly Mount[] = [],
  ): Promise<Daemon> {
    const { config } = loaded;
    checkBind(config);
    const tls = await readTlsIdentity(config.tls, loaded.cwd);
    const addresses = createClientAddresses(config.trustedProxies);
    await using acquired = new AsyncDisposableStack();
    const listening: ListenerOptions = {
      version: VERSION,
      limits: config.limits,
      addresses,
      tls,
      onError: (error) => observer.complain("a connection was not taken", error),
    };
    const hasInner = mounts.length > 0;
    const listener = await Listener.listen(config.host, config.port, { ...listening, hasInner });
    acquired.defer(() => listener.close());
    const agentSandbox = await AgentSandbox.listen(config, listening);
    acquired.defer(() => agentSandbox?.close());
    const baseUrl = listener.baseUrl(config.host);
    const metrics = new Metrics(() => observer.droppedLines);
    acquired.defer(() => metrics.close());
    // Until it is there, nobody has a key.
    let keyring: Keyring | undefined;
    const sandglass = await Sandglass.open(loaded, {
      event: (event) => {
        if (event.orgId !== CANARY_ORG) metrics.count(event);
        observer.event(event);
      },
      problem: (problem) => observer.complain(`the log: ${problem.kind}`, problem),
      exporterProblem: (message, error) => observer.complain(message, error),
      origins: listener.origins(config.host),
      authorize: (authorization) => senderOf(authorization, keyring),
    });
    acquired.defer(() => sandglass.stop());
    keyring = await Keyring.open(config.dataDir, config.apiKeys, (error) =>
      observer.complain("when keys were last used was not written down", error),
    );
    const opened = keyring;
    acquired.defer(() => opened.close());
    keyring.onChange = () => sandglass.collector?.keysChanged();
    await provideLocalKey(keyring, new Credentials(), baseUrl, config.apiKeys);

    const { recorder, runtime, runs, deletions, observability } = sandglass;
    const complain = (message: string, error: unknown) => observer.complain(message, error);
    const status = config.status.enabled ? new Status({ sandglass, loaded, baseUrl, complain }) : undefined;
    acquired.defer(() => status?.close());
    const stopping = new AbortController();
    const sessions = new ConsoleSessions(keyring);
    const services: HandlerServices = {
      sessions,
      runtime,
      recorder,
      ...{ runs, deletions },
      keyring,
      metrics,
      observability,
      collector: sandglass.collector,
      store: sandglass.store,
      status,
      exporters: new ExporterAccess(observability),
      loaded,
      stopping: stopping.signal,
    };
    const selfMetrics = new SelfMetrics({
      loaded: () => services.loaded,
      collect: () => metrics.collect(services),
      readers: metrics.readers,
      ownOrigins: listener.origins(config.host),
      onProblem: (message, error) => observer.complain(message, error),
    });
    observability.onChange = () => selfMetrics.follow(observability.configured());
    await observability.onChange();
    acquired.defer(() => selfMetrics.close(0));
    const idempotency = await Idempotency.open(config.dataDir, createReplays(services), (error) =>
      observer.complain("an idempotency key was not written down", error),
    );
    acquired.defer(() => idempotency.close());
    const requests = new RequestEvents(sandglass.emit, {
      addresses,
      keylessPerSecond: config.limits.keylessEventsPerSecond,
      onFailure: (error) => {
        metrics.countLostEvent();
        observer.complain("an http.request event was lost", error);
      },
      onUnrecorded: (count) => observer.complain(UNRECORDED, { count }),
    });
    const guard = createRequestGuard(config.host, config.allowedHosts);
    const gate = new KeyGate(keyring, addresses, config.limits);
    const reportInternal: ReportInternal = (error, { requestId }) =>
      observer.complain(`request ${requestId} failed`, error);
    const limits = { ...config.limits, ...config.bodyLimits };
    const parts = { gate, sessions, idempotency, limits, stopping: stopping.signal, reportInternal };
    const app = await createApp(listener.server, createHandlers(services), guard, parts);
    const place = { baseUrl: listener.innerUrl ?? baseUrl, complain };
    const mounted = new Mounts(mounts, place, { guard, gate, limits, reportInternal });
    const web = new Console({ guard, sessions, limits, reportInternal, isEnabled: config.console.enabled });
    const otlp = sandglass.collector && new OtlpIntake(sandglass.collector, gate, guard);
    const { url } = config.status;
    const pages = status && new StatusPages({ status, guard, addresses, limits, url, reportInternal });
    const beside = [otlp, mounted, pages, web].filter((each) => each !== undefined);
    listener.serve(
      (request, response) => {
        const taker = beside.find((each) => each.takes(request));
        if (taker === undefined) app(request, response);
        else taker.serve(request, response);
      },
      (record, request, response) => {
        // What telemetry costs is counted where it is taken; an event for each request would be telemetry of telemetry.
        if (otlp?.takesPath(record.path)) return;
        observer.request(record);
        requests.watch(record, request, response);
      },
      app,
    );
    const serving = { runtime, gate, guard, limits, stopping: stopping.signal, reportInternal };
    agentSandbox?.serve(serving, requests, (record) => observer.request(record));
    acquired.move();
    return new Daemon({
      sandglass,
      metrics,
      baseUrl,
      warnings: [...(tls?.warnings ?? []), ...warningsOf(config)],
      listener,
      requests,
      idempotency,
      stopping,
      services,
      selfMetrics,
      agentSandbox,
      mounted,
    });
  }

  /** Where the agent-sandbox API is served; undefined where it is not. */
  get agentSandboxUrl(): string | undefined {
    return this.#agentSandbox?.url;
  }

  /**
   * Puts a configuration in force that was read again, as far as that is possible without a restart: the exporters, and what the
   * files of the certificate and its key hold by now, for new connections.
   *
   * @returns the other options that differ, which need a restart, and what is to be known of the certificate
   * @throws ConfigError, having changed nothing
   */
  async reload(loaded: LoadedConfig): Promise<{ needsRestart: string[]; warnings: string[] }> {
    const before = this.#services.loaded;
    // Of the paths in force: renewed certificates come under the same names.
    const tls = await readTlsIdentity(before.config.tls, before.cwd);
    await this.sandglass.observability.configure(loaded);
    const shown = [this.#listener, this.#agentSandbox, this.sandglass.collector];
    if (tls !== undefined) for (const each of shown) await each?.renew(tls);
    this.#services.loaded = withObservabilityOf(loaded, before);
    const needsRestart = changedOptions(before, loaded).filter((path) => path !== "observability");
    return { needsRestart, warnings: tls?.warnings ?? [] };
  }

  /**
   * Stops within the deadline: what is mounted ends → no new work → execs and sandboxes end with the cause `host_shutdown` → their streams bring
   * the last line → connections close → `host.stopped` is recorded → exporters deliver for the rest of the time → the log closes.
   * Idempotent.
   */
  stop(deadlineMs: number = this.sandglass.config.shutdownTimeoutMs): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    // What is mounted calls the API: it says its last word while that is still heard. Nobody looks whether a daemon that stops works.
    const { status } = this.#services;
    // It has no numbers any more, without which the last report of all others would fail.
    this.#services.status = undefined;
    const beside = Promise.all([this.#mounted.close(), status?.close()]);
    await Promise.race([beside, after(deadlineMs * DRAIN_SHARE)]);
    this.#stopping.abort();
    for (const each of [this.#listener, this.#agentSandbox]) each?.stopAccepting();
    try {
      await this.sandglass.endWork(deadlineMs);
    } finally {
      // Also where the work did not end in time: what is recorded is worth as much then.
      await Promise.race([this.#requests.idle(), after(deadlineMs * DRAIN_SHARE)]);
      for (const each of [this.#listener, this.#agentSandbox]) each?.close();
      await this.#requests.settled();
      await this.#idempotency.close();
      await this.#services.keyring.close();
      await this.#selfMetrics.close(deadlineMs * DRAIN_SHARE);
      this.metrics.close();
      await this.sandglass.close();
    }
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
