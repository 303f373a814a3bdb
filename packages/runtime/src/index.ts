export type {
  SandboxCollector,
  SandboxSockets,
  SocketHandle,
  TelemetryDestination,
  TelemetryOwner,
} from "./collector.ts";
export { checkHost } from "./drivers/check-host.ts";
export { checkUpstream } from "./egress/check-upstream.ts";
export { parseUpstreamProxy, type UpstreamProxy } from "./egress/upstream-proxy.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { OutputLine, OutputLines } from "./output/lines/output-lines.ts";
export type { KeptExit, SealedOutput } from "./output/output-store.ts";
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
