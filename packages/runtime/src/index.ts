export type {
  SandboxCollector,
  SandboxSockets,
  SocketHandle,
  TelemetryDestination,
  TelemetryOwner,
} from "./collector.ts";
export { hostChecks } from "./host/checks.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export { Runtime } from "./runtime.ts";
export type {
  ExecHandle,
  FilesHandle,
  RuntimeApi,
  RuntimeOptions,
  SandboxHandle,
  TemplateConfig,
} from "./types.ts";
