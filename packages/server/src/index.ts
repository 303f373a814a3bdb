export { hostChecks } from "@sandglass/runtime";
export {
  ConfigError,
  type LoadedConfig,
  loadConfig,
  type SandglassConfig,
  type SandglassOptions,
} from "./config.ts";
export { Daemon } from "./daemon.ts";
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
