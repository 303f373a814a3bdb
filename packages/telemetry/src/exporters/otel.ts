import { SandglassError } from "@sandglass/protocol";
import manifest from "../../package.json" with { type: "json" };
import { SIGNALS, type Signal } from "../otlp/model.ts";
import type { Temporality } from "../projections/otel-metrics.ts";
import { type ServiceIdentity, serviceResource } from "../projections/otel-resource.ts";
import { defineExporter, type PreparedExporter } from "./definition.ts";
import type { UrlTarget } from "./http/url-option.ts";
import { verifyReachable } from "./http/verify-reachable.ts";
import { GrpcTransport } from "./otel/grpc-transport.ts";
import { HttpTransport } from "./otel/http-transport.ts";
import { BIT } from "./otel/otel-batch-state.ts";
import { isLoopback, PROTOCOLS, resolveEndpoints } from "./otel/otel-endpoints.ts";
import { OtelEnv } from "./otel/otel-env.ts";
import { OtelExporter, partsOf } from "./otel/otel-exporter.ts";
import { resolveHeaders } from "./otel/otel-headers.ts";
import { type OtelOptions, otelSchema } from "./otel/otel-options.ts";
import { resolveTls } from "./otel/otel-tls.ts";
import { otelTraits } from "./otel/otel-traits.ts";
import { jsonEncoder, protobufEncoder } from "./otel/otlp-encoder.ts";
import type { OtlpTarget } from "./otel/otlp-transport.ts";

const NAME = "sandglass";
const VERSION = manifest.version;
const USER_AGENT = `${NAME}/${VERSION}`;

/**
 * OTLP: spans, log records and metrics to a collector, or to any service that takes them.
 *
 * Every event is a log record; those that the design's table names are spans; counts, durations and costs are metrics. Options win
 * over the standard variables of OpenTelemetry, which win over the defaults.
 *
 * @example { provider: "otel", config: { endpoint: "https://collector.internal:4318", headers: { "api-key": { env: "OTLP_KEY" } } } }
 */
export const otel = defineExporter({
  provider: "otel",
  mayRunInThread: true,
  schema: otelSchema,
  prepare(options, context): PreparedExporter {
    // A stranger who names a destination is not to be sent what the daemon's environment holds.
    const secretsEnv = context.isTrusted ? context.env : {};
    const env = new OtelEnv(secretsEnv);
    const protocol =
      options.protocol ?? env.oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOLS) ?? "http/protobuf";
    if (protocol === "grpc" && !context.isTrusted) {
      throw new SandglassError("INVALID_REQUEST", "protocol grpc is not to be had with this key", {
        hint: "use http/protobuf: where a name leads cannot be checked for gRPC; a key with the scope admin may set it",
      });
    }
    const endpoints = resolveEndpoints({ endpoint: options.endpoint, protocol, env, context });
    const signals = signalsOf(options.signals, endpoints);
    const tls = resolveTls(options.tls, env, context);
    const compression = options.compression ?? env.oneOf("OTEL_EXPORTER_OTLP_COMPRESSION", ["gzip", "none"]);

    const targetOf = (signal: Signal): OtlpTarget => {
      // Of a signal that is not sent, one of the others stands in.
      const { url, where, authorization } = (endpoints.get(signal) ?? endpoints.get(signals[0]!))!;
      const headers = {
        "user-agent": USER_AGENT,
        ...(authorization !== undefined && { authorization }),
        ...resolveHeaders(options.headers, signal, protocol, env, secretsEnv),
      };
      return { url, where, headers, compression: compression ?? (isLoopback(url) ? "none" : "gzip") };
    };
    const targets = { traces: targetOf("traces"), logs: targetOf("logs"), metrics: targetOf("metrics") };
    const used = signals.map((signal) => targets[signal]);
    checkTls(options, used);
    const service = serviceResource(identityOf(options, env));
    const temporality = options.temporality ?? temporalityFrom(env);
    const publicOnly = !context.isTrusted;
    const wheres = [...new Set(used.map(({ where }) => where))];
    const told = signals.reduce((sum, signal) => sum | BIT[signal], 0);
    return {
      destination: `${wheres.join(", ")}, ${signals.join(", ")} over ${protocol}`,
      secrets: secretsIn(used, [...endpoints.values()]),
      traits: otelTraits(options, env),
      onError: options.onError,
      ...(!signals.includes("logs") && { accepts: (event) => (partsOf(event) & told) !== 0 }),
      async verify(signal) {
        const origins = new Map(used.map((target) => [target.url.origin, target]));
        for (const { url, where } of origins.values()) {
          await verifyReachable(url, where, { publicOnly, tls }, signal);
        }
      },
      async open() {
        const transport =
          protocol === "grpc"
            ? await GrpcTransport.open(targets, tls, USER_AGENT)
            : new HttpTransport(targets, protocol, { tls, publicOnly });
        const encoder = protocol === "http/json" ? jsonEncoder : protobufEncoder();
        const scope = { name: NAME, version: VERSION };
        return new OtelExporter({ signals, service, scope, temporality, encoder, transport });
      },
    };
  },
});

function signalsOf(
  given: readonly Signal[] | undefined,
  endpoints: ReadonlyMap<Signal, UrlTarget>,
): readonly Signal[] {
  const signals = SIGNALS.filter((signal) => given?.includes(signal) ?? endpoints.has(signal));
  const lost = signals.find((signal) => !endpoints.has(signal));
  if (lost === undefined) return signals;
  throw new SandglassError("INVALID_REQUEST", `signals has ${lost}, for which there is no endpoint`, {
    hint: `set the option endpoint, or OTEL_EXPORTER_OTLP_${lost.toUpperCase()}_ENDPOINT`,
  });
}

/** A certificate that nobody would look at is a mistake. */
function checkTls({ tls }: OtelOptions, targets: readonly OtlpTarget[]): void {
  if (tls === undefined || targets.some(({ url }) => url.protocol === "https:")) return;
  throw new SandglassError("INVALID_REQUEST", "tls is set, but endpoint begins with http://", {
    hint: "begin it with https://, or leave tls out",
  });
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

/** What headers and queries may hold that nobody else should know; of `Bearer …` also the token alone. */
function secretsIn(targets: readonly OtlpTarget[], endpoints: readonly UrlTarget[]): string[] {
  const headers = targets.flatMap((target) =>
    Object.entries(target.headers).flatMap(([name, value]) =>
      name === "user-agent" ? [] : [value, value.replace(/^\S+ +/, "")],
    ),
  );
  const queries = targets.flatMap(({ url }) => [...url.searchParams.values()]);
  const inUrls = endpoints.flatMap(({ secrets }) => secrets);
  return [...new Set([...headers, ...queries, ...inUrls])].filter((secret) => secret !== "");
}
