import { defineExporter, type PreparedExporter } from "./definition.ts";
import { verifyReachable } from "./http/verify-reachable.ts";
import { BIT } from "./otel/otel-batch-state.ts";
import { OtelExporter, partsOf } from "./otel/otel-exporter.ts";
import { otelSchema } from "./otel/otel-options.ts";
import { otelSelf } from "./otel/otel-self.ts";
import { otelTraits } from "./otel/otel-traits.ts";
import { jsonEncoder, protobufEncoder } from "./otel/otlp-encoder.ts";
import { resolveOtel } from "./otel/resolve-otel.ts";

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
    const resolved = resolveOtel(options, context);
    const { env, protocol, signals, used, destination, secrets, tls, publicOnly } = resolved;
    const self = otelSelf(options, env);
    const told = signals.reduce((sum, signal) => sum | BIT[signal], 0);
    return {
      destination,
      secrets,
      traits: otelTraits(options, env),
      onError: options.onError,
      ...(!signals.includes("logs") && {
        accepts: (event) => (partsOf(event) & told) !== 0,
        acceptsByType: true,
      }),
      async verify(signal) {
        const origins = new Map(used.map((target) => [target.url.origin, target]));
        for (const { url, where } of origins.values()) {
          await verifyReachable(url, where, { publicOnly, tls }, signal);
        }
      },
      async open() {
        const transport = await resolved.connect();
        const encoder = protocol === "http/json" ? jsonEncoder : protobufEncoder();
        return new OtelExporter({ signals, ...self, encoder, transport });
      },
    };
  },
});
