import type { ProviderName, SandglassOptions } from "./config.ts";

/**
 * Gives a configuration file completion and type errors: of each exporter, what its provider takes. Checks nothing at run time,
 * which the daemon does.
 *
 * @example
 * // sandglass.config.ts
 * export default defineConfig({ observability: { provider: "jsonl", config: { filePath: "./events.jsonl" } } })
 */
export function defineConfig<const Provider extends ProviderName>(
  options: SandglassOptions<Provider>,
): SandglassOptions;
export function defineConfig(options: SandglassOptions): SandglassOptions {
  return options;
}
