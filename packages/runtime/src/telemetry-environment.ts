/** Where the collector answers inside every sandbox. */
export const COLLECTOR_PORTS = { http: 4318, grpc: 4317 } as const;

/** Variables that differ between the owners of a sandbox; an interpreter of the pool learns them with its first cell. */
export const IDENTITY_VARIABLES = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"] as const;

export interface TelemetryIdentity {
  sandboxId: string;
  template: string;
  /** "" where none was given, or while it has no owner. */
  runId: string;
}

/**
 * An environment with what makes any OpenTelemetry SDK send to the collector inside, by the names of the specification. Service name
 * and resource attributes in `env` are kept: the name wins over the template's, the attributes come behind ours.
 */
export function withTelemetry(
  env: Readonly<Record<string, string>>,
  { sandboxId, template, runId }: TelemetryIdentity,
): Record<string, string> {
  const given = env.OTEL_RESOURCE_ATTRIBUTES ?? "";
  const attributes = {
    "sandglass.sandbox.id": sandboxId,
    "sandglass.template.id": template,
    ...(runId === "" ? {} : { "sandglass.run.id": runId }),
  };
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return {
    ...env,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${COLLECTOR_PORTS.http}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_SERVICE_NAME: env.OTEL_SERVICE_NAME || serviceNameIn(given) || template,
    OTEL_RESOURCE_ATTRIBUTES: [...pairs, ...(given.trim() === "" ? [] : [given])].join(","),
  };
}

/** `service.name` of resource attributes, which OTEL_SERVICE_NAME would hide; "" where they have none. */
function serviceNameIn(attributes: string): string {
  for (const pair of attributes.split(",")) {
    const equals = pair.indexOf("=");
    if (pair.slice(0, equals).trim() !== "service.name") continue;
    const value = pair.slice(equals + 1).trim();
    try {
      return decodeURIComponent(value);
    } catch {
      return value; // not encoded as the specification asks for; an SDK may well take it as it stands
    }
  }
  return "";
}
