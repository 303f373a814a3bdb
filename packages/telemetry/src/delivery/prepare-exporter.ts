import { SandglassError } from "@sandglass/protocol";
import { parseRequest } from "@sandglass/protocol/schemas";
import type {
  ExporterDefinition,
  ExporterProviders,
  PrepareContext,
  PreparedExporter,
} from "../exporters/definition.ts";
import { EventSelector } from "./event-selector.ts";
import type { ExporterOptions } from "./exporter-options.ts";
import { redactor } from "./redactor.ts";

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
  const options = checkConfig(definition, config);
  // For its errors: an exporter is not begun with a filter that cannot be.
  new EventSelector({ filter });
  // The daemon's environment is the operator's: nobody else may have it sent somewhere.
  return definition.prepare(options, context.isTrusted ? context : { ...context, env: {} });
}

function checkConfig(definition: ExporterDefinition, config: object): unknown {
  try {
    return parseRequest(definition.schema, config);
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    const message = `config of the exporter "${definition.provider}": ${error.message}`;
    throw new SandglassError("INVALID_REQUEST", message);
  }
}

/**
 * @param closing gives up: the delivery ends
 * @throws SandglassError INVALID_REQUEST where the destination has to be there at start and is not
 */
export async function verifyRequired(
  { required }: ExporterOptions,
  prepared: PreparedExporter,
  closing: AbortSignal,
): Promise<void> {
  const { destination, secrets } = prepared;
  if (required !== true || prepared.verify === undefined) return;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error("no answer in time")), VERIFY_MS);
  const signal = AbortSignal.any([late.signal, closing]);
  try {
    await Promise.race([prepared.verify(signal), ended(signal)]);
  } catch (error) {
    const reason = redactor(secrets)(error instanceof Error ? error.message : String(error));
    throw new SandglassError(
      "INVALID_REQUEST",
      `${destination} is required and cannot be reached: ${reason}`,
      { hint: "start it, or leave out `required`: events wait in the log until it is there" },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the signal fires, also where who was given it does not hear it. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
