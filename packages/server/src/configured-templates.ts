import type { TemplateConfig } from "@sandglass/runtime";
import type { SandglassConfig } from "./config.ts";

/** Built-in templates, which a pool size may be given for without describing them. */
const BUILT_IN = ["python", "node", "bash"] as const;

/** The templates as configured, with the sizes of `pool` over their own. */
export function configuredTemplates({ templates, pool }: SandglassConfig): Record<string, TemplateConfig> {
  const sized: Record<string, TemplateConfig> = { ...templates };
  for (const [name, poolSize] of Object.entries(pool)) {
    const builtIn = BUILT_IN.find((candidate) => candidate === name);
    sized[name] = { ...(builtIn !== undefined && { base: builtIn }), ...sized[name], poolSize };
  }
  return sized;
}
