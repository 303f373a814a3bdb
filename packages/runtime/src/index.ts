export type {
  SandboxCollector,
  SandboxSockets,
  SocketHandle,
  TelemetryDestination,
  TelemetryOwner,
} from "./collector.ts";
export { checkHost } from "./drivers/check-host.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { OutputLine, OutputLines } from "./output/lines/output-lines.ts";
export { Runtime } from "./runtime.ts";
export { destinationIn } from "./telemetry-destination.ts";
export type {
  ExecHandle,
  FilesHandle,
  RuntimeApi,
  RuntimeOptions,
  SandboxHandle,
  TemplateConfig,
} from "./types.ts";
