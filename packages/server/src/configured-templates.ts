import { nearestName } from "@sandglass/protocol";
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

/** @throws Error where a pool is of a template that there is none of */
export function checkPools({ templates, pool }: Pick<SandglassConfig, "templates" | "pool">): void {
  const names = [...BUILT_IN, ...Object.keys(templates)];
  for (const name of Object.keys(pool)) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    const hint = nearest === undefined ? `there are ${names.join(", ")}` : `did you mean ${nearest}?`;
    throw new Error(`there is no template "${name}"; ${hint}`);
  }
}
