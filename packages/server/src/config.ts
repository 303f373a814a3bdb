import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parseLogDirectives } from "@sandglass/telemetry";
import type { z } from "zod";
import { ConfigError } from "./config/config-error.ts";
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

export { ConfigError } from "./config/config-error.ts";
export { OPTIONS } from "./config/options.ts";
export type { ConfiguredKey, SandglassConfig, SandglassOptions } from "./config/schema.ts";

/** Where the value in force came from; "flag" is also the constructor. */
type OptionSource = "default" | "file" | "environment" | "flag";

/** A checked configuration and where each of its values came from. */
export interface LoadedConfig {
  config: SandglassConfig;
  /** By option path; an option that is absent has its default. */
  sources: ReadonlyMap<string, OptionSource>;
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
  return { config: { ...config, apiKeys: keys, dataDir: resolve(cwd, dataDir) }, sources };
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
    const value = path
      .split(".")
      .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
    return { option: path, value: showValue(value, path, isSecret), source: sources.get(path) ?? "default" };
  });
}

function showValue(value: unknown, path: string, isSecret: boolean): string {
  if (value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)) return "";
  if (isSecret) return "[set]";
  // A template's env may hold what nobody should read over a shoulder.
  if (path === "templates") return Object.keys(value as object).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function toNested(given: GivenOptions): Record<string, unknown> {
  const nested: Record<string, unknown> = {};
  for (const [path, { value }] of given) {
    const [group = path, name] = path.split(".");
    if (name === undefined) nested[group] = value;
    else nested[group] = { ...(nested[group] as object | undefined), [name]: value };
  }
  return nested;
}

/** Never shows the value of a secret; zod's own messages do not hold values. */
function describeIssue(issue: z.core.$ZodIssue, given: GivenOptions): string {
  const path = issue.path.join(".");
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
