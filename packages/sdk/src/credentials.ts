import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SandglassError } from "./errors.ts";

/** Where `sandglass serve` listens unless told otherwise. */
export const DEFAULT_BASE_URL = "http://127.0.0.1:7070";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The daemon's address: `explicit`, else `SANDGLASS_URL`, else {@link DEFAULT_BASE_URL}. Without a trailing slash,
 * in the form the credentials file uses as its key.
 *
 * @throws SandglassError INVALID_REQUEST where it is not an http(s) URL, or carries a password
 */
export function resolveBaseUrl(explicit?: string, env: Environment = process.env): string {
  const given = explicit ?? (env.SANDGLASS_URL || DEFAULT_BASE_URL);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new SandglassError("INVALID_REQUEST", `not an http:// or https:// URL: ${JSON.stringify(given)}`, {
      hint: `set baseUrl or SANDGLASS_URL to something like ${DEFAULT_BASE_URL}`,
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new SandglassError("INVALID_REQUEST", "the base URL carries a user name or password", {
      hint: "give the key as apiKey, SANDGLASS_API_KEY or in the credentials file",
    });
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/** `$SANDGLASS_CREDENTIALS`, else `$XDG_CONFIG_HOME/sandglass/credentials.json`, else `~/.config/sandglass/credentials.json`. */
export function credentialsPath(env: Environment = process.env): string {
  if (env.SANDGLASS_CREDENTIALS) return env.SANDGLASS_CREDENTIALS;
  const configHome = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(configHome, "sandglass", "credentials.json");
}

/**
 * The key to call `baseUrl` with: `explicit`, else `SANDGLASS_API_KEY`, else the one the daemon of the same user
 * wrote to the credentials file, `{"<baseUrl>": {"apiKey": "…"}}`. Undefined where there is none.
 *
 * A file that others may read is refused with a warning, not used: its key has to be taken as known to them.
 *
 * @throws SandglassError INVALID_REQUEST where what was given cannot be a key
 */
export function resolveApiKey(
  baseUrl: string,
  explicit?: string,
  env: Environment = process.env,
): string | undefined {
  const given = explicit ?? (env.SANDGLASS_API_KEY || undefined);
  if (given === undefined) return keyFromFile(baseUrl, credentialsPath(env));
  if (/[^\x21-\x7e]/.test(given)) {
    const name = explicit === undefined ? "SANDGLASS_API_KEY" : "apiKey";
    throw new SandglassError(
      "INVALID_REQUEST",
      `${name} holds a line break, a space or another character that no key has`,
    );
  }
  return given;
}

/** What to do where none was found and the daemon asks for one. */
export function missingKeyHint(baseUrl: string, env: Environment = process.env): string {
  return `there is no key for ${baseUrl} in ${credentialsPath(env)}: give apiKey or SANDGLASS_API_KEY`;
}

function keyFromFile(baseUrl: string, path: string): string | undefined {
  let text: string;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0) {
      process.emitWarning(
        `${path} can be read by other users (mode 0${(mode & 0o777).toString(8)}) and is ignored; make it private with: chmod 600 ${path}`,
        { type: "SandglassWarning", code: "SANDGLASS_CREDENTIALS_MODE" },
      );
      return undefined;
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    process.emitWarning(`${path} could not be read: ${(error as Error).message}`, {
      type: "SandglassWarning",
    });
    return undefined;
  }
  const entries = parseEntries(text, path);
  for (const name of sameDaemon(baseUrl)) {
    const apiKey = entries[name]?.apiKey;
    if (typeof apiKey === "string" && apiKey !== "") return apiKey;
  }
  return undefined;
}

function parseEntries(text: string, path: string): Record<string, { apiKey?: unknown } | undefined> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, { apiKey?: unknown }>;
  } catch {
    // Falls through to the warning: the file is the user's, and its content must not end up in a message.
  }
  process.emitWarning(`${path} is not a JSON object and is ignored`, { type: "SandglassWarning" });
  return {};
}

/** The loopback names of one port are one daemon: a user who types `localhost` means the key kept for 127.0.0.1. */
function sameDaemon(baseUrl: string): string[] {
  const url = new URL(baseUrl);
  const loopback = ["127.0.0.1", "localhost", "[::1]"];
  if (!loopback.includes(url.hostname)) return [baseUrl];
  const port = url.port === "" ? "" : `:${url.port}`;
  const path = url.pathname.replace(/\/+$/, "");
  return [baseUrl, ...loopback.map((host) => `${url.protocol}//${host}${port}${path}`)];
}
