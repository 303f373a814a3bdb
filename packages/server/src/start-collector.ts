import type { SandboxCollector } from "@sandglass/runtime";
import { Collector, checkDestination, type PortIdentity, type Recorder } from "@sandglass/telemetry";
import type { LoadedConfig } from "./config.ts";
import { readTlsIdentity } from "./tls-identity.ts";

interface CollectorParts {
  loaded: LoadedConfig;
  recorder: Recorder;
  /** Of the ports of `otlpListen`; undefined: they speak plain HTTP and gRPC. */
  tls: PortIdentity | undefined;
  /** Where this daemon is reached: telemetry is not passed on to there. */
  ownOrigins?: readonly string[] | undefined;
  /** The organisation of a key, as `Authorization` carries it; undefined for what is none. */
  authorize(authorization: string): string | undefined;
  onProblem(message: string, error?: unknown): void;
}

/**
 * The certificate of the daemon, for the ports of `otlpListen`; undefined where there is none, or there are no such ports.
 *
 * @throws ConfigError
 */
export async function portIdentity({ config, cwd }: LoadedConfig): Promise<PortIdentity | undefined> {
  const identity = config.otlpListen ? await readTlsIdentity(config.tls, cwd) : undefined;
  return identity && { cert: identity.cert, key: identity.key };
}

/** Begins to start it. `ready()` rejects with SandglassError LOG_UNAVAILABLE, and with an Error where a port of `otlpListen` is taken. */
export function startCollector(parts: CollectorParts): Collector {
  const { loaded, recorder, tls, ownOrigins = [], authorize, onProblem } = parts;
  const { config, env, cwd } = loaded;
  const { collector, retention } = config;
  const { maxBytes, captureContent, prices, enabled: _, ...limits } = collector;
  return Collector.begin({
    settings: {
      dataDir: config.dataDir,
      durability: config.durability,
      maxBytes,
      maxAgeMs: retention.maxAgeMs,
      limits,
      // What crosses to another process is copied: an environment of a host is a proxy.
      env: { ...env },
      cwd,
      ownOrigins,
      retry: {},
      listen: config.otlpListen
        ? { host: config.host, httpPort: config.otlpPort, grpcPort: config.otlpGrpcPort, tls }
        : undefined,
      derive: { captureContent, prices },
    },
    authorize,
    recorder,
    onProblem,
  });
}

/** The collector as the runtime has it: what cannot be a destination is known before there is a sandbox that sends there. */
export function sandboxCollector(
  collector: Collector,
  { cwd }: LoadedConfig,
  ownOrigins: readonly string[] = [],
): SandboxCollector {
  return {
    check({ destination, isTrusted }) {
      if (destination !== undefined) checkDestination(destination.env, { cwd, ownOrigins, isTrusted });
    },
    attach: (sandboxId, open) => collector.attach(sandboxId, open),
    claim: (sandboxId, owner) => collector.claim(sandboxId, owner),
    telemetryOf: collector.telemetryOf,
    detach: (sandboxId) => collector.detach(sandboxId),
  };
}
