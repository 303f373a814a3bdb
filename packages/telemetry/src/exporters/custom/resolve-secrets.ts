import type { Environment } from "../definition.ts";
import { readSecret } from "../secret.ts";

/**
 * A configuration with the environment's values in place of every `{env: NAME}`, and which values these are. Only plain objects and
 * lists are looked into; all else is passed on as it is.
 *
 * @throws SandglassError INVALID_REQUEST naming the option and the variable that is not set
 */
export function resolveSecrets(
  config: Readonly<Record<string, unknown>>,
  env: Environment,
): { resolved: Record<string, unknown>; secrets: string[] } {
  const secrets: string[] = [];
  const seen = new Map<object, unknown>();

  const resolve = (value: unknown, path: string): unknown => {
    if (!isPlain(value)) return value;
    // An object may be in several places, and within itself.
    if (seen.has(value)) return seen.get(value);
    if (isReference(value)) {
      const secret = readSecret(path, value, env);
      if (secret !== undefined) secrets.push(secret);
      seen.set(value, secret);
      return secret;
    }
    const copy: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {};
    seen.set(value, copy);
    for (const [key, inner] of Object.entries(value)) {
      const where = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
      Object.defineProperty(copy, key, {
        value: resolve(inner, where),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return copy;
  };

  return { resolved: resolve(config, "") as Record<string, unknown>, secrets };
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function isReference(value: object): value is { env: string } {
  const [entry, ...others] = Object.entries(value);
  return others.length === 0 && entry?.[0] === "env" && typeof entry[1] === "string" && entry[1] !== "";
}
