import { Collector, type Recorder } from "@sandglass/telemetry";
import type { LoadedConfig } from "./config.ts";

interface CollectorParts {
  loaded: LoadedConfig;
  recorder: Recorder;
  /** Where this daemon is reached: telemetry is not passed on to there. */
  ownOrigins?: readonly string[] | undefined;
  /** The organisation of a key, as `Authorization` carries it; undefined for what is none. */
  authorize(authorization: string): string | undefined;
  onProblem(message: string, error?: unknown): void;
}

/** @throws SandglassError LOG_UNAVAILABLE; Error where a port of `otlpListen` is taken */
export function startCollector(parts: CollectorParts): Promise<Collector> {
  const { loaded, recorder, ownOrigins = [], authorize, onProblem } = parts;
  const { config, env, cwd } = loaded;
  const { collector, retention } = config;
  const { maxBytes, captureContent, prices, enabled: _, ...limits } = collector;
  return Collector.start({
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
        ? { host: config.host, httpPort: config.otlpPort, grpcPort: config.otlpGrpcPort }
        : undefined,
      derive: { captureContent, prices },
    },
    authorize,
    recorder,
    onProblem,
  });
}
