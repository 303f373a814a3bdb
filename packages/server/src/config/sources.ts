import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { nearestName } from "@sandglass/protocol";
import { ConfigError } from "./config-error.ts";
import { OPTIONS, type OptionInfo } from "./options.ts";

/** What one source gives, by option path, each with where exactly it was found. */
export type GivenOptions = Map<string, { value: unknown; origin: string }>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Looked for in this order in the working directory. */
const FILE_NAMES = ["sandglass.config.ts", "sandglass.config.js", "sandglass.config.json"];

const PATHS = OPTIONS.map((option) => option.path);
/** `retention`, `defaults`: names that hold options and are none themselves. */
const GROUPS = new Set(
  PATHS.flatMap((path) => path.split(".").map((_, count, names) => names.slice(0, count).join("."))).filter(
    (group) => group !== "",
  ),
);

/**
 * Options of a configuration file: its default export, or the JSON itself.
 *
 * @param path as given by `--config`; where absent, the working directory is looked in, and no file is no error
 */
export async function optionsFromFile(path: string | undefined, cwd: string): Promise<GivenOptions> {
  const found =
    path === undefined
      ? FILE_NAMES.map((name) => resolve(cwd, name)).find((candidate) => existsSync(candidate))
      : resolve(cwd, path);
  if (found === undefined) return new Map();
  let content: unknown;
  try {
    if (extname(found) === ".json") content = parseJson(await readFile(found, "utf8"));
    else content = await importDefault(found);
  } catch (error) {
    throw new ConfigError(`cannot read the configuration file ${found}: ${(error as Error).message}`);
  }
  return optionsFromObject(content, `in ${found}`);
}

/** A module is evaluated again where its file has changed since; what it imports itself is not. */
async function importDefault(path: string): Promise<unknown> {
  const { mtimeMs } = await stat(path);
  const module = (await import(`${pathToFileURL(path).href}?${mtimeMs}`)) as { default?: unknown };
  return module.default;
}

/** The parser's own message quotes the text, which may hold secrets: only the place is passed on. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw new Error(`it is not valid JSON${place === undefined ? "" : ` at ${place}`}`);
  }
}

/**
 * Takes an object of options apart into its leaves.
 *
 * @param origin for messages: "in /etc/sandglass.config.json"
 */
export function optionsFromObject(content: unknown, origin: string): GivenOptions {
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new ConfigError(
      `the options ${origin} are not an object (a module has to export one as its default)`,
    );
  }
  const given: GivenOptions = new Map();
  collect(content, "", origin, given);
  return given;
}

function collect(content: object, prefix: string, origin: string, given: GivenOptions): void {
  for (const [name, value] of Object.entries(content)) {
    const path = prefix + name;
    if (value === undefined) continue;
    if (PATHS.includes(path)) given.set(path, { value, origin });
    else if (GROUPS.has(path) && typeof value === "object" && value !== null)
      collect(value, `${path}.`, origin, given);
    else if (GROUPS.has(path)) throw new ConfigError(`option ${path} ${origin} has to be an object`);
    else throw unknownOption(path, origin, [...PATHS, ...GROUPS]);
  }
}

/**
 * Options of `SANDGLASS_*` variables. A name that is none of ours and near to none is left alone: the SDK, the CLI and a
 * user's own scripts have variables under this prefix too.
 */
export function optionsFromEnvironment(env: Environment): GivenOptions {
  const given: GivenOptions = new Map();
  const byVariable = new Map(OPTIONS.map((option) => [option.variable, option]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("SANDGLASS_") || text === undefined || text === "") continue;
    const option = byVariable.get(variable);
    const origin = `from the environment, ${variable}`;
    if (option !== undefined) given.set(option.path, { value: readText(option, [text], origin), origin });
    else if (!ELSEWHERE.has(variable) && isTypo(variable, byVariable.keys())) {
      throw unknownOption(variable, "from the environment", byVariable.keys());
    }
  }
  return given;
}

/** Variables of the SDK, the CLI and this file's caller. */
const ELSEWHERE = new Set(
  ["URL", "API_KEY", "TRACEPARENT", "CREDENTIALS", "CONFIG"].map((name) => `SANDGLASS_${name}`),
);

/** Stricter than `nearestName`: what follows the prefix has to be nearly the name of an option. */
function isTypo(variable: string, known: Iterable<string>): boolean {
  const bare = (name: string) => name.slice("SANDGLASS_".length).replaceAll("_", "");
  const suggestion = nearestName(bare(variable), [...known].map(bare));
  return (
    suggestion !== undefined &&
    Math.abs(suggestion.length - bare(variable).length) <= 1 &&
    suggestion.length > 4
  );
}

interface ParsedFlags {
  given: GivenOptions;
  configFile?: string;
  wantsHelp: boolean;
  wantsVersion: boolean;
}

/** Options of the command line. Secrets are refused here: other users can read a process's arguments. */
export function optionsFromFlags(argv: readonly string[]): ParsedFlags {
  const byFlag = new Map(OPTIONS.map((option) => [option.flag, option]));
  const types = Object.fromEntries(
    OPTIONS.map((option) => [
      option.flag,
      { type: option.kind === "boolean" ? "boolean" : "string" } as const,
    ]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...types,
      config: { type: "string" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
    strict: false,
    allowNegative: true,
    tokens: true,
  });
  const flags: ParsedFlags = { given: new Map(), wantsHelp: false, wantsVersion: false };
  const texts = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new ConfigError(`unexpected argument "${token.value}"`);
    if (token.kind !== "option") continue;
    const isNegated = token.rawName.startsWith("--no-");
    const option = byFlag.get(token.name) ?? byFlag.get(token.name.replace(/^no-/, ""));
    if (token.name === "help") flags.wantsHelp = true;
    else if (token.name === "version") flags.wantsVersion = true;
    else if (isNegated && option?.kind === "boolean" && token.value !== undefined)
      throw new ConfigError(`${token.rawName} takes no value; leave it out, or write --${option.flag}=false`);
    else if ((isNegated && option?.kind !== "boolean") || (option === undefined && token.name !== "config")) {
      const known = [...byFlag.keys(), "config", "help", "version"].map((flag) => `--${flag}`);
      throw unknownOption(token.rawName, "on the command line", known);
    } else if (option?.kind === "boolean") {
      const text = isNegated ? "false" : (token.value ?? "true");
      texts.set(option.path, [text]);
    } else if (token.value === undefined) throw new ConfigError(`${token.rawName} needs a value`);
    else if (option === undefined) flags.configFile = token.value;
    else texts.set(option.path, [...(texts.get(option.path) ?? []), token.value]);
  }
  for (const option of OPTIONS) {
    const text = texts.get(option.path);
    if (text === undefined) continue;
    const origin = `from the flag --${option.flag}`;
    if (option.isSecret) {
      throw new ConfigError(
        `${option.path} cannot be a flag, which other users of the machine can read; set ${option.variable}`,
      );
    }
    flags.given.set(option.path, { value: readText(option, text, origin), origin });
  }
  return flags;
}

/** Text to the option's kind; what cannot be read goes on as it is, for the schema to refuse. */
function readText(option: OptionInfo, texts: readonly string[], origin: string): unknown {
  const last = texts.at(-1) ?? "";
  switch (option.kind) {
    case "string":
      return last;
    case "number":
      return /^-?\d+(\.\d+)?$/.test(last.trim()) ? Number(last) : last;
    case "boolean":
      return { true: true, "1": true, false: false, "0": false }[last.toLowerCase()] ?? last;
    case "list":
      return texts
        .flatMap((text) => text.split(","))
        .map((part) => part.trim())
        .filter((part) => part !== "");
    case "json":
      return readJson(option, last, origin);
    case "map":
      return last.trimStart().startsWith("{")
        ? readJson(option, last, origin)
        : readPairs(option, texts, origin);
  }
}

function readJson(option: OptionInfo, text: string, origin: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new ConfigError(`option ${option.path} (${origin}): ${(error as Error).message}`);
  }
}

/** `python=4,node=2` */
function readPairs(option: OptionInfo, texts: readonly string[], origin: string): unknown {
  const pairs = texts.flatMap((text) => text.split(",")).map((pair) => pair.trim().split("="));
  return Object.fromEntries(
    pairs.map(([name = "", value = ""]) => {
      if (!/^-?\d+(\.\d+)?$/.test(value)) {
        throw new ConfigError(
          `option ${option.path} (${origin}) is written name=number, or as a JSON object`,
        );
      }
      return [name, Number(value)];
    }),
  );
}

function unknownOption(name: string, origin: string, known: Iterable<string>): ConfigError {
  const nearest = nearestName(name, known);
  const suggestion =
    nearest === undefined ? "list them with: sandglass serve --help" : `did you mean ${nearest}?`;
  return new ConfigError(`unknown option ${name} (${origin}); ${suggestion}`);
}
