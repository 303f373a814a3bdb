import type { Emit } from "@sandglass/protocol";

/**
 * Organisation of canaries: they are in nobody's lists, totals and streams, and no exporter of an organisation gets them. The operator's
 * exporters, which get all there is, tell them by it.
 */
export const CANARY_ORG = "sandglass.canary";

/** By which a canary's sandbox can be told in the record. */
export const CANARY_METADATA: Readonly<Record<string, string>> = { "sandglass.canary": "true" };

/** An emitter for which what canaries do, while they do it well, is of the level debug: it is not worth a line in a log. */
export function quietCanaries(emit: Emit): Emit {
  return (event) =>
    emit(event.orgId === CANARY_ORG && event.level === "info" ? { ...event, level: "debug" } : event);
}
