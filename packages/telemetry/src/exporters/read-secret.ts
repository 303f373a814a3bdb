import { SandglassError } from "@sandglass/protocol";
import type { Environment } from "./definition.ts";
import type { SecretOption } from "./secret.ts";

/**
 * The value of a secret. `fallback` is the variable that is looked at where the option is absent.
 * Throws INVALID_REQUEST naming the option and the variable, never a value.
 */
export function readSecret(
  option: string,
  given: SecretOption | undefined,
  env: Environment,
  fallback?: string,
): string | undefined {
  if (typeof given === "string") return given;
  const name = given?.env ?? fallback;
  const value = name === undefined ? undefined : env[name];
  if (given !== undefined && (value === undefined || value === "")) {
    throw new SandglassError(
      "INVALID_REQUEST",
      `${option} names the environment variable ${name}, which is not set`,
      {
        hint: `set ${name} where the daemon is started`,
      },
    );
  }
  return value === "" ? undefined : value;
}
