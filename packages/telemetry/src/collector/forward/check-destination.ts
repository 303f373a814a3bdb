import type { Environment, PrepareContext } from "../../exporters/definition.ts";
import { resolveDestination } from "./destination-settings.ts";

/** Where a destination would be used; see `PrepareContext`. */
export type DestinationContext = Pick<PrepareContext, "cwd" | "ownOrigins" | "isTrusted">;

/**
 * Whether telemetry can be sent where these variables say, before anything is made that would send there. No name is looked up.
 *
 * @param variables `OTEL_EXPORTER_OTLP_*`; others are not looked at
 * @throws SandglassError INVALID_REQUEST naming the variable, never its value
 */
export function checkDestination(variables: Environment, context: DestinationContext): void {
  const { cwd, ownOrigins, isTrusted } = context;
  // Nothing of the daemon's own environment: an endpoint of one is never sent headers of the other.
  resolveDestination(variables, { env: {}, cwd, ownOrigins, isTrusted });
}
