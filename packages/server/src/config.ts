import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ExporterOptions } from "@sandglass/telemetry";
import { parseLogDirectives } from "@sandglass/telemetry";
import type { z } from "zod";
import { ConfigError } from "./config/config-error.ts";
import type { ObservabilityConfig } from "./config/observability-schema.ts";
import { OPTIONS } from "./config/options.ts";
import {
  configSchema,
  parseConfiguredKey,
  type SandglassConfig,
  type SandglassOptions,
} from "./config/schema.ts";
import {
  type Environment,
  type GivenOptions,
  optionsFromEnvironment,
  optionsFromFile,
  optionsFromObject,
} from "./config/sources.ts";
import { checkPools } from "./configured-templates.ts";

export { ConfigError } from "./config/config-error.ts";
export type { ObservabilityOptions, ProviderName } from "./config/observability-options.ts";
export { OPTIONS } from "./config/options.ts";
export type { ConfiguredKey, SandglassConfig, SandglassOptions } from "./config/schema.ts";

/** Where the value in force came from; "flag" is also the constructor. */
type OptionSource = "default" | "file" | "environment" | "flag";

/** A checked configuration and where each of its values came from. */
export interface LoadedConfig {
  config: SandglassConfig;
  /** By option path; an option that is absent has its default. */
  sources: ReadonlyMap<string, OptionSource>;
  /** By option path, in words: "in /etc/sandglass.config.json". */
  origins: ReadonlyMap<string, string>;
  /** What was read: variables that options name are looked up here. */
  env: Environment;
  /** Relative paths are below it. */
  cwd: string;
}

export interface LoadOptions {
  /** The constructor's options: the strongest source. */
  options?: SandglassOptions;
  /** Options of the command line, as strong as the constructor's. */
  flags?: GivenOptions;
  /** Path of a configuration file; absent: `sandglass.config.ts|js|json` in `cwd`, if there is one. */
  configFile?: string | undefined;
  /** Default `process.env`. */
  env?: Environment;
  /** Default the working directory. */
  cwd?: string;
}

/**
 * Joins the sources (defaults < file < environment < flags or constructor) and checks the outcome.
 *
 * @throws ConfigError naming the option, its source and the nearest known name
 * @example const { config } = await loadConfig({ options: { port: 0 } })
 */
export async function loadConfig(from: LoadOptions = {}): Promise<LoadedConfig> {
  const env = from.env ?? process.env;
  const cwd = from.cwd ?? process.cwd();
  const configFile = from.configFile ?? (env.SANDGLASS_CONFIG || undefined);
  const layers: [OptionSource, GivenOptions][] = [
    ["file", await optionsFromFile(configFile, cwd)],
    ["environment", optionsFromEnvironment(env)],
    ["flag", optionsFromObject(from.options ?? {}, "given to the constructor")],
    ["flag", from.flags ?? new Map()],
  ];
  const sources = new Map<string, OptionSource>();
  const given: GivenOptions = new Map();
  for (const [source, options] of layers) {
    for (const [path, option] of options) {
      sources.set(path, source);
      given.set(path, option);
    }
  }
  const checked = configSchema.safeParse(toNested(given));
  if (!checked.success)
    throw new ConfigError(checked.error.issues.map((issue) => describeIssue(issue, given)).join("\n"));
  const { apiKeys, dataDir = defaultDataDir(env), ...config } = checked.data;
  const refine = <T>(path: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const origin = given.get(path)?.origin ?? "by default";
      throw new ConfigError(`invalid option ${path} (${origin}): ${(error as Error).message}`);
    }
  };
  refine("log", () => parseLogDirectives(config.log));
  const keys = refine("apiKeys", () => apiKeys.map((entry, index) => parseConfiguredKey(entry, index, env)));
  refine("pool", () => checkPools(config));
  const origins = new Map([...given].map(([path, { origin }]) => [path, origin]));
  return { config: { ...config, apiKeys: keys, dataDir: resolve(cwd, dataDir) }, sources, origins, env, cwd };
}

/** `/var/lib/sandglass` for root, else `$XDG_DATA_HOME/sandglass`, else `~/.local/share/sandglass`. */
function defaultDataDir(env: Environment): string {
  if (process.getuid?.() === 0) return "/var/lib/sandglass";
  const home = env.XDG_DATA_HOME;
  // The base directory specification has relative paths ignored.
  if (home !== undefined && isAbsolute(home)) return join(home, "sandglass");
  return join(env.HOME || homedir(), ".local", "share", "sandglass");
}

/** Every option with the value in force and its source, for `doctor`; secrets read "[set]". */
export function describeConfig({ config, sources }: LoadedConfig): {
  option: string;
  value: string;
  source: OptionSource;
}[] {
  return OPTIONS.map(({ path, isSecret }) => {
    return {
      option: path,
      value: showValue(valueAt(config, path), path, isSecret),
      source: sources.get(path) ?? "default",
    };
  });
}

/** Paths of the options whose values differ. */
export function changedOptions(before: LoadedConfig, after: LoadedConfig): string[] {
  return OPTIONS.map(({ path }) => path).filter(
    (path) => !isDeepStrictEqual(valueAt(before.config, path), valueAt(after.config, path)),
  );
}

/** `inForce`, with the exporters of `loaded`. */
export function withObservabilityOf(loaded: LoadedConfig, inForce: LoadedConfig): LoadedConfig {
  const path = "observability";
  const put = <T>(into: ReadonlyMap<string, T>, value: T | undefined): ReadonlyMap<string, T> => {
    const others = [...into].filter(([name]) => name !== path);
    return new Map(value === undefined ? others : [...others, [path, value]]);
  };
  return {
    ...inForce,
    config: { ...inForce.config, observability: loaded.config.observability },
    sources: put(inForce.sources, loaded.sources.get(path)),
    origins: put(inForce.origins, loaded.origins.get(path)),
  };
}

function valueAt(config: SandglassConfig, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
}

function showValue(value: unknown, path: string, isSecret: boolean): string {
  if (value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)) return "";
  if (path === "observability") return (value as ObservabilityConfig).exporters.map(nameExporter).join(", ");
  if (isSecret) return "[set]";
  // A template's env may hold what nobody should read over a shoulder.
  if (path === "templates") return Object.keys(value as object).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `axiom`, `jsonl (audit)`: nothing that could be a secret. */
function nameExporter({ provider, id }: ExporterOptions): string {
  return id === undefined || id === provider ? provider : `${provider} (${id})`;
}

function toNested(given: GivenOptions): Record<string, unknown> {
  const nested: Record<string, unknown> = {};
  for (const [path, { value }] of given) {
    const groups = path.split(".");
    const name = groups.pop() ?? path;
    let inner = nested;
    for (const group of groups) {
      inner[group] ??= {};
      inner = inner[group] as Record<string, unknown>;
    }
    inner[name] = value;
  }
  return nested;
}

/** Never shows the value of a secret; zod's own messages do not hold values. */
function describeIssue(issue: z.core.$ZodIssue, given: GivenOptions): string {
  const path = pathOf(issue);
  const option = OPTIONS.find(
    (candidate) => path === candidate.path || path.startsWith(`${candidate.path}.`),
  );
  const found = option === undefined ? undefined : given.get(option.path);
  const value =
    option === undefined || option.isSecret || found === undefined || path !== option.path
      ? ""
      : `, got ${JSON.stringify(found.value)}`;
  const origin = found === undefined ? "" : ` (${found.origin})`;
  return `invalid option ${path}${origin}: ${issue.message}${value}`;
}

/** `observability.exporters[1].filter`; of a field that does not exist, the field itself. */
function pathOf(issue: z.core.$ZodIssue): string {
  const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}
