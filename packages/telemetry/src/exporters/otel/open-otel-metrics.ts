import { parseRequest } from "@sandglass/protocol/schemas";
import type { MetricsData } from "../../otlp/model.ts";
import type { PrepareContext } from "../definition.ts";
import { otelSchema } from "./otel-options.ts";
import { type OtelSelf, otelSelf } from "./otel-self.ts";
import { jsonEncoder, protobufEncoder } from "./otlp-encoder.ts";
import type { SignalOutcome } from "./otlp-transport.ts";
import { resolveOtel } from "./resolve-otel.ts";

/** A way to where an `otel` exporter sends metrics, for metrics that are no events. */
export interface OtelMetricsLine extends OtelSelf {
  /** `otel.component.type`. */
  readonly componentType: string;
  /** An `ExportMetricsServiceRequest` in the encoding of the protocol. */
  encode(data: MetricsData): Uint8Array;
  /** Never rejects. */
  post(body: Uint8Array, abort: AbortSignal): Promise<SignalOutcome>;
  close(): void;
}

const COMPONENT_TYPES = {
  "http/protobuf": "otlp_http_metric_exporter",
  "http/json": "otlp_http_json_metric_exporter",
  grpc: "otlp_grpc_metric_exporter",
} as const;

/**
 * @param config of an `otel` exporter
 * @returns undefined where that sends no metrics
 * @throws SandglassError INVALID_REQUEST, as the exporter itself
 */
export async function openOtelMetrics(
  config: object,
  context: PrepareContext,
): Promise<OtelMetricsLine | undefined> {
  const options = parseRequest(otelSchema, config);
  const resolved = resolveOtel(options, context);
  if (!resolved.signals.includes("metrics")) return undefined;
  const transport = await resolved.connect();
  const encoder = resolved.protocol === "http/json" ? jsonEncoder : protobufEncoder();
  return {
    ...otelSelf(options, resolved.env),
    componentType: COMPONENT_TYPES[resolved.protocol],
    encode: (data) => encoder.metrics(data),
    post: (body, abort) => transport.post("metrics", body, abort),
    close: () => transport.close(),
  };
}
