import type { ConnectionOptions } from "./connection.ts";

const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Puts a new secret where the command had the old one from, as far as that is the credentials file: there it stood for every command and
 * program of this user.
 *
 * @param baseUrl as the client has it
 * @returns what to say of it
 * @throws Error where the file cannot be understood or written; the secret has changed by then
 */
export async function keepNewSecret(
  secret: string,
  baseUrl: string,
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const asked = "it is the key that this command asks with: keep it";
  if (options.apiKeyFile !== undefined) return `${asked} in ${options.apiKeyFile}`;
  if (env.SANDGLASS_API_KEY) return `${asked} in SANDGLASS_API_KEY`;
  const { Credentials } = await import("@sandglass/server");
  const credentials = new Credentials();
  const kept = await credentials.read();
  const names = namesOf(baseUrl);
  const used = names.map((name) => kept.get(name)).find((key) => key !== undefined);
  const holding = names.filter((name) => kept.has(name) && kept.get(name) === used);
  for (const name of holding) await credentials.write(name, secret);
  return `it is the key that this command asks with, and is kept in ${credentials.path}`;
}

/** What one daemon may be called in the file, in the order in which clients look. */
function namesOf(baseUrl: string): string[] {
  const { hostname, protocol, port, pathname } = new URL(baseUrl);
  if (!LOOPBACK.includes(hostname)) return [baseUrl];
  const rest = `${port === "" ? "" : `:${port}`}${pathname.replace(/\/+$/, "")}`;
  return [...new Set([baseUrl, ...LOOPBACK.map((host) => `${protocol}//${host}${rest}`)])];
}
