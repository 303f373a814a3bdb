import { inspect } from "node:util";
import type { DurableLog } from "../log/durable-log.ts";
import type { LogFeed } from "../log/log-feed.ts";
import { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import { OtlpHttpServer } from "../otlp/receiver/http-server.ts";
import { RequestIntake } from "../otlp/receiver/request-intake.ts";
import { DEFAULT_TENANT_LIMITS, type TenantLimits } from "../otlp/receiver/tenant.ts";
import { ClientPorts } from "./client-ports.ts";
import { ClientTenants } from "./client-tenants.ts";
import { CollectorDelivery } from "./collector-delivery.ts";
import type { DaemonLine } from "./daemon-line.ts";
import type { CollectorCommand, CollectorPlaces, CollectorSettings, CollectorValue } from "./messages.ts";
import { openTelemetryLog } from "./open-telemetry-log.ts";
import { ProblemThrottle } from "./problem-throttle.ts";
import { ReceivedCounts } from "./received-counts.ts";
import { SandboxGates } from "./sandbox-gates.ts";
import { SandboxReports, sandboxTelemetry } from "./sandbox-reports.ts";
import { SnapshotReports } from "./snapshot-reports.ts";
import { TelemetryLogSink } from "./telemetry-log-sink.ts";
import { encodeTelemetryHead, type TelemetryHead } from "./telemetry-record.ts";

/** Inflated, a request has to fit in a record of the log, with its head and what is stamped on it. */
const MAX_REQUEST_BYTES = 15 * 1024 * 1024;
/** What a request that is being taken when it stops may take until it is answered. */
const ANSWER_MS = 250;
/** Of a stop's time, what delivering may take. */
const DELIVERY_SHARE = 0.7;

interface Parts {
  log: DurableLog;
  delivery: CollectorDelivery;
  feed: LogFeed;
  gates: SandboxGates;
  tenants: ClientTenants;
  ports: ClientPorts;
  http: OtlpHttpServer;
  grpc: OtlpGrpcServer;
  reports: SnapshotReports;
  sandboxReports: SandboxReports;
}

/** The collector itself, inside its process. */
export class CollectorService {
  readonly #parts: Parts;
  #stopping: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param orphaned fires when nobody needs it any more
   * @throws SandglassError LOG_UNAVAILABLE; Error where a port is taken
   */
  static async open(
    settings: CollectorSettings,
    line: DaemonLine,
    orphaned: AbortSignal,
  ): Promise<CollectorService> {
    const { tell: onProblem } = new ProblemThrottle((message, error) =>
      line.post({ kind: "problem", message, ...(error !== undefined && { error: inspect(error) }) }),
    );
    const limits: TenantLimits = { ...DEFAULT_TENANT_LIMITS, ...settings.limits };
    await using acquired = new AsyncDisposableStack();
    const log = await openTelemetryLog(
      settings,
      (problem) => onProblem(`the log of telemetry: ${problem.kind}`, problem),
      orphaned,
    );
    acquired.defer(() => log.close());
    const delivery = await CollectorDelivery.open(log, settings, line, onProblem);
    acquired.defer(() => delivery.stop(0));
    const intake = new RequestIntake({
      sink: new TelemetryLogSink(log, delivery.derivation, delivery.shares),
      maxRequestBytes: MAX_REQUEST_BYTES,
      maxInflatedBytes: MAX_REQUEST_BYTES,
      onError: (error) => onProblem("telemetry could not be kept", error),
    });
    const counts = new ReceivedCounts(intake);
    const http = new OtlpHttpServer({ intake });
    const grpc = new OtlpGrpcServer({ intake });
    const tenants = new ClientTenants(line, limits, ({ id }) => counts.add(id));
    const ports = await ClientPorts.open({ settings, http, grpc, tenants, intake });
    const gates = new SandboxGates({ http, grpc, intake, limits, counts, delivery });
    const reports = new SnapshotReports(
      () => ({
        received: counts.total(),
        log: log.stats(),
        ...delivery.snapshot(),
      }),
      line.post,
    );
    const sandboxReports = new SandboxReports(() => gates.counts(), line.post);
    // It ends with the log.
    const feed = log.feed((update) => line.post({ kind: "log", update }));
    acquired.move();
    return new CollectorService({
      log,
      delivery,
      feed,
      gates,
      tenants,
      ports,
      http,
      grpc,
      reports,
      sandboxReports,
    });
  }

  get places(): CollectorPlaces {
    const { socketPath, listening } = this.#parts.ports;
    return { socketPath, listening };
  }

  /** Has the daemon asked about every key anew. */
  forgetKeys(): void {
    this.#parts.tenants.forgetKeys();
  }

  /** @param socket that came with the command */
  async perform(command: CollectorCommand, socket: object | undefined): Promise<CollectorValue | undefined> {
    const { gates, delivery, reports, feed, ports } = this.#parts;
    switch (command.kind) {
      case "start":
        throw new Error("the collector runs already");
      case "attach":
        if (socket === undefined) throw new Error("a socket was lost on its way");
        await gates.attach(command.sandboxId, command.transport, socket);
        return undefined;
      case "claim":
        return { destinationId: await gates.claim(command.sandboxId, command.owner) };
      case "detach": {
        const counts = await gates.detach(command.sandboxId);
        reports.now();
        return counts && sandboxTelemetry(counts);
      }
      case "append":
        await Promise.all(command.records.map((record) => this.#append(record)));
        return undefined;
      case "end":
        await delivery.end(command.sandboxIds);
        return undefined;
      case "endBefore":
        await delivery.endBefore();
        return undefined;
      case "relay":
        await delivery.relay(command.targets);
        reports.now();
        return undefined;
      case "retry":
        delivery.retry(command.id);
        return undefined;
      case "renew":
        ports.renew(command.tls);
        return undefined;
      case "forget":
        await delivery.forget(command.id);
        return undefined;
      case "flush": {
        const result = await delivery.flush(AbortSignal.timeout(command.timeoutMs), command.ids);
        reports.now();
        return result;
      }
      case "erase": {
        const erased = await delivery.erase(command.erasure);
        // Readers elsewhere know of it before the answer comes.
        feed.update();
        reports.now();
        return erased;
      }
      case "stop":
        await this.stop(command.deadlineMs);
        return undefined;
    }
  }

  /** What the host tells of a sandbox takes of the sandbox's share; its endpoint's own part, which is small, is taken in any case. */
  async #append({ head, body }: { head: TelemetryHead; body: Uint8Array }): Promise<void> {
    const { delivery, log } = this.#parts;
    if (!head.isForwardOnly && delivery.shares.waitFor(head, body.length) > 0)
      throw new Error(`${head.sandboxId} has all that waits in the log that it may have`);
    const committed = log.enqueue(body, encodeTelemetryHead(head));
    delivery.shares.add(head, log.nextPosition - 1, body.length);
    await committed;
  }

  /** Takes no more, delivers for the time there is, and gives everything back. Idempotent. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { gates, ports, http, grpc, delivery, log, reports, sandboxReports } = this.#parts;
    const endsAt = performance.now() + deadlineMs;
    await ports.close();
    gates.destroy();
    await Promise.all([http.close(ANSWER_MS), grpc.close(ANSWER_MS)]);
    if (deadlineMs > 0) await delivery.flush(AbortSignal.timeout(Math.ceil(deadlineMs * DELIVERY_SHARE)));
    await delivery.stop(Math.max(0, endsAt - performance.now()) / 2);
    reports.stop();
    sandboxReports.stop();
    await log.close();
  }
}
