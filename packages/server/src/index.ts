export { checkHost } from "@sandglass/runtime";
export type {
  AxiomConfig,
  ConsoleConfig,
  ExporterConfigs,
  JsonlConfig,
  OtelConfig,
  PostgresConfig,
  WebhookConfig,
} from "@sandglass/telemetry";
export {
  type ExporterFilter,
  type ExporterOptions,
  type ObservabilityExporter,
  type ObservabilityExporterFactory,
  PermanentError,
} from "@sandglass/telemetry";
export {
  ConfigError,
  type LoadedConfig,
  loadConfig,
  type ObservabilityOptions,
  type SandglassConfig,
  type SandglassOptions,
} from "./config.ts";
export { Credentials } from "./credentials.ts";
export { Daemon } from "./daemon.ts";
export { defineConfig } from "./define-config.ts";
export type { Observability } from "./exporters/observability.ts";
export type { Mount, Mounted, MountPlace } from "./http/mounts.ts";
export type {
  ExecResult,
  LocalCaller,
  LocalSandbox,
  LocalSandboxes,
  RunCodeOptions,
} from "./local-sandboxes.ts";
export { serve } from "./main.ts";
export { Sandglass } from "./sandglass.ts";
export { VERSION } from "./version.ts";
