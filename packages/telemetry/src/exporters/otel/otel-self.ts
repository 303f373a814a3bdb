import type { KeyValue, Scope } from "../../otlp/model.ts";
import type { Temporality } from "../../projections/otel-metrics.ts";
import { type ServiceIdentity, serviceResource } from "../../projections/otel-resource.ts";
import type { OtelEnv } from "./otel-env.ts";
import type { OtelOptions } from "./otel-options.ts";
import { NAME, VERSION } from "./own-identity.ts";

/** How the daemon speaks of itself. */
export interface OtelSelf {
  /** Attributes of the resource. */
  readonly service: readonly KeyValue[];
  readonly scope: Scope;
  readonly temporality: Temporality;
}

/** @throws SandglassError INVALID_REQUEST naming a variable that holds no such value */
export function otelSelf(options: OtelOptions, env: OtelEnv): OtelSelf {
  return {
    service: serviceResource(identityOf(options, env)),
    scope: { name: NAME, version: VERSION },
    temporality: options.temporality ?? temporalityFrom(env),
  };
}

/** `OTEL_SERVICE_NAME` wins over a `service.name` among the attributes, as the specification has it. */
function identityOf(options: OtelOptions, env: OtelEnv): ServiceIdentity {
  const { resourceAttributes: given = {} } = options;
  const fromEnv = Object.fromEntries(env.pairs("OTEL_RESOURCE_ATTRIBUTES"));
  const named = (name: string): string | undefined => {
    const value = given[name];
    return value === undefined ? undefined : String(value);
  };
  return {
    name:
      options.serviceName ??
      named("service.name") ??
      env.text("OTEL_SERVICE_NAME") ??
      fromEnv["service.name"] ??
      NAME,
    version: options.serviceVersion ?? named("service.version") ?? fromEnv["service.version"] ?? VERSION,
    attributes: { ...fromEnv, ...given },
  };
}

/** "lowmemory" is delta for all the kinds of metrics that there are here. */
function temporalityFrom(env: OtelEnv): Temporality {
  const name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
  const preference = env.oneOf(name, ["cumulative", "delta", "lowmemory"]) ?? "cumulative";
  return preference === "cumulative" ? "cumulative" : "delta";
}
