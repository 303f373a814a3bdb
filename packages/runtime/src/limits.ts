import type { CreateSandboxRequest, SandboxLimits } from "@sandglass/protocol";
import type { RuntimeOptions, TemplateConfig } from "./types.ts";

/** What a sandbox gets where neither the request, nor its template, nor the daemon's configuration says otherwise. */
export const DEFAULT_LIMITS: SandboxLimits = {
  vcpu: 1,
  memoryMb: 512,
  diskMb: 1024,
  maxPids: 256,
  maxOpenFiles: 4096,
  maxOutputBytes: 64 * 1024 * 1024,
  maxConcurrentExecs: 32,
  timeoutMs: 60 * 60 * 1000,
  idleTimeoutMs: 10 * 60 * 1000,
};

/** Request over template over daemon over {@link DEFAULT_LIMITS}. */
export function resolveLimits(
  request: CreateSandboxRequest,
  template: TemplateConfig,
  defaults: RuntimeOptions["defaults"] = {},
): SandboxLimits {
  return {
    ...DEFAULT_LIMITS,
    ...pick(defaults),
    ...pick(template),
    ...pick(request),
  };
}

const NAMES = [
  "vcpu",
  "memoryMb",
  "diskMb",
  "maxPids",
  "maxOutputBytes",
  "timeoutMs",
  "idleTimeoutMs",
] as const;

function pick(from: Partial<Record<(typeof NAMES)[number], number | undefined>>): Partial<SandboxLimits> {
  const found: Partial<SandboxLimits> = {};
  for (const name of NAMES) {
    const value = from[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
