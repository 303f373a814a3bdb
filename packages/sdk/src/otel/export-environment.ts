const PREFIX = "OTEL_EXPORTER_OTLP_";
const ENDPOINT = /^OTEL_EXPORTER_OTLP_(?:(?:TRACES|METRICS|LOGS)_)?ENDPOINT$/;

/**
 * What `otelExport: true` takes along: the caller's own `OTEL_EXPORTER_OTLP_*` variables, so that the sandbox's telemetry goes where
 * the caller's goes. Files of certificates stay here: the daemon may be on another machine. Where `env` names an endpoint itself, it
 * means another place, and nothing is added.
 */
export function withExportEnvironment(
  env: Readonly<Record<string, string>> = {},
  own: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  if (Object.keys(env).some((name) => ENDPOINT.test(name))) return { ...env };
  const taken = Object.entries(own).filter(
    ([name, value]) => name.startsWith(PREFIX) && !/_(?:CERTIFICATE|KEY)$/.test(name) && value,
  ) as [string, string][];
  return { ...Object.fromEntries(taken), ...env };
}
