import { SandglassError } from "@sandglass/protocol";
import { z } from "zod";
import type { Environment } from "./definition.ts";

/** A secret: itself, or the name of the environment variable that holds it. */
export const secretSchema = z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })], {
  error: "must be a text, or {env: NAME} for an environment variable",
});
export type SecretOption = z.output<typeof secretSchema>;

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
