import { SandglassError } from "@sandglass/protocol";
import { destinationIn, type TelemetryDestination } from "@sandglass/runtime";
import { checkDestination } from "@sandglass/telemetry";
import { ConfigError, type LoadedConfig } from "./config.ts";

/**
 * Where the operator wants the telemetry of sandboxes whose creator names no endpoint. It and those of the templates are checked, so
 * that a mistake in them is the start's and not that of everyone who creates a sandbox.
 *
 * @param ownOrigins where this daemon is reached: telemetry is not passed on to there
 * @throws ConfigError naming the option (`otelExport`, `templates.x.env`), and a variable that a secret is to be read from and that is
 *   not set
 */
export function defaultDestination(
  { config, env, cwd }: LoadedConfig,
  ownOrigins: readonly string[] = [],
): TelemetryDestination | undefined {
  const check = (option: string, variables: Readonly<Record<string, string>>): void => {
    try {
      checkDestination(variables, { cwd, ownOrigins, isTrusted: true });
    } catch (error) {
      if (!(error instanceof SandglassError)) throw error;
      throw new ConfigError(
        `invalid option ${option}: ${error.message}${error.hint ? ` (${error.hint})` : ""}`,
      );
    }
  };
  for (const [name, template] of Object.entries(config.templates)) {
    const destination = destinationIn(template.env);
    if (destination !== undefined) check(`templates.${name}.env`, destination.env);
  }
  const variables = Object.entries(config.otelExport).map(([name, value]) => {
    const text = typeof value === "string" ? value : env[value.env];
    if (text === undefined)
      throw new ConfigError(`otelExport.${name} names a variable that is not in the environment`);
    return [name, text] as const;
  });
  if (variables.length === 0) return undefined;
  const destination = { env: Object.fromEntries(variables) };
  check("otelExport", destination.env);
  return destination;
}
