import type { CallContext, CreateSandboxRequest } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { TelemetryOwner } from "./collector.ts";
import { resolveDestination } from "./telemetry-destination.ts";
import type { Template } from "./templates.ts";
import type { RuntimeOptions } from "./types.ts";

/**
 * Whose telemetry a sandbox will send, and where that goes besides.
 *
 * @param isTrusted the caller may do what the operator may
 * @throws SandglassError UNSUPPORTED_ON_HOST, INVALID_REQUEST where `otelExport` is asked for and cannot be, or the
 *   destination cannot
 */
export function telemetryOwner(
  request: CreateSandboxRequest,
  template: Template,
  { orgId, runId }: CallContext,
  { collector, otelExport }: Pick<RuntimeOptions, "collector" | "otelExport">,
  isTrusted: boolean,
): TelemetryOwner {
  const owner = { orgId, template: template.name, runId };
  if (collector !== undefined) {
    const { destination, isOperators } = resolveDestination(request, [template.destination, otelExport]);
    const known = { ...owner, destination, isTrusted: isTrusted || isOperators };
    collector.check?.(known);
    return known;
  }
  if (request.otelExport !== true) return { ...owner, isTrusted };
  throw new SandglassError("UNSUPPORTED_ON_HOST", "otelExport: true, but sandboxes have no collector here", {
    hint: "the daemon was started without one",
  });
}
