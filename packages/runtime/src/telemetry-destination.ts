import type { CreateSandboxRequest } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { TelemetryDestination } from "./collector.ts";

/**
 * Variables that say where telemetry goes, and with which credentials. Names are told apart by case, but what is a secret in capitals
 * is one in small letters too: neither reaches a sandbox, and only the capitals mean anything.
 */
const EXPORTER_VARIABLE = /^OTEL_EXPORTER_OTLP_/i;
const ENDPOINTS = ["", "TRACES_", "METRICS_", "LOGS_"].map(
  (signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`,
);
/** They name files, and the caller's are not on this host: its own would be read in their place. */
const FILE_VARIABLE = /_(CERTIFICATE|CLIENT_KEY)$/;

/** Of an environment, what may reach a sandbox: the collector inside takes the place of any endpoint. */
export function withoutDestination(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !EXPORTER_VARIABLE.test(name)));
}

/** The destination that an environment of the operator's names; undefined where it names no endpoint. */
export function destinationIn(
  env: Readonly<Record<string, string>> | undefined,
): TelemetryDestination | undefined {
  const named = Object.entries(env ?? {}).filter(([name]) => name.startsWith("OTEL_EXPORTER_OTLP_"));
  // An empty variable is an unset one (OpenTelemetry, environment variable specification).
  if (!named.some(([name, value]) => ENDPOINTS.includes(name) && value.trim() !== "")) return undefined;
  return { env: Object.fromEntries(named) };
}

/** As {@link destinationIn}, of an environment that came with a request. */
function callersDestination(env: Readonly<Record<string, string>> = {}): TelemetryDestination | undefined {
  return destinationIn(Object.fromEntries(Object.entries(env).filter(([name]) => !FILE_VARIABLE.test(name))));
}

export interface ResolvedDestination {
  /** Undefined where the sandbox's telemetry goes nowhere but to the daemon's own destinations. */
  destination: TelemetryDestination | undefined;
  /** The operator named it, not the caller. */
  isOperators: boolean;
}

/**
 * Where a sandbox's telemetry goes besides: to the endpoint in the request's `env`, else to the first of the operator's. One of them
 * as a whole: an endpoint of the caller's is never sent headers of the operator's.
 *
 * @param operators the template's and the daemon's, in this order
 * @throws SandglassError INVALID_REQUEST where `otelExport` is asked for and nobody names an endpoint
 */
export function resolveDestination(
  request: Pick<CreateSandboxRequest, "env" | "otelExport">,
  operators: readonly (TelemetryDestination | undefined)[],
): ResolvedDestination {
  if (request.otelExport === false) return { destination: undefined, isOperators: false };
  const callers = callersDestination(request.env);
  if (callers !== undefined) return { destination: callers, isOperators: false };
  const destination = operators.find((known) => known !== undefined);
  if (destination === undefined && request.otelExport === true) {
    throw new SandglassError("INVALID_REQUEST", "otelExport: true, but no endpoint to export to is known", {
      hint: "put OTEL_EXPORTER_OTLP_ENDPOINT (and _HEADERS) into env; they stay on the host. Or give the daemon or the template a default",
    });
  }
  return { destination, isOperators: destination !== undefined };
}
