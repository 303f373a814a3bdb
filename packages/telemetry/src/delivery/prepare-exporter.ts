import { SandglassError } from "@sandglass/protocol";
import type { ExporterProviders, PrepareContext, PreparedExporter } from "../exporters/definition.ts";
import { EventSelector } from "./event-selector.ts";
import type { ExporterOptions } from "./exporter-options.ts";

const VERIFY_MS = 10_000;

/**
 * Checks one exporter's configuration, all of it.
 *
 * @throws SandglassError INVALID_REQUEST naming the option
 */
export function prepareExporter(
  registry: ExporterProviders,
  { provider, config = {}, filter }: ExporterOptions,
  context: PrepareContext,
): PreparedExporter {
  const definition = registry.find(provider);
  const checked = definition.schema.safeParse(config);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const path = ["config", ...(issue?.path ?? [])].join(".");
    throw new SandglassError("INVALID_REQUEST", `${path} of the exporter "${provider}": ${issue?.message}`);
  }
  // For its errors: an exporter is not begun with a filter that cannot be.
  new EventSelector({ filter });
  // The daemon's environment is the operator's: nobody else may have it sent somewhere.
  return definition.prepare(checked.data, context.isTrusted ? context : { ...context, env: {} });
}

/** @throws SandglassError INVALID_REQUEST where the destination has to be there at start and is not */
export async function verifyRequired(
  { required }: ExporterOptions,
  { verify, destination }: PreparedExporter,
): Promise<void> {
  if (required !== true || verify === undefined) return;
  try {
    await verify(AbortSignal.timeout(VERIFY_MS));
  } catch (error) {
    throw new SandglassError(
      "INVALID_REQUEST",
      `${destination} is required and cannot be reached: ${(error as Error).message}`,
      { hint: "start it, or leave out `required`: events wait in the log until it is there" },
    );
  }
}
