import { encodeLogs } from "../../otlp/encode-logs.ts";
import { encodeMetrics } from "../../otlp/encode-metrics.ts";
import { encodeTraces } from "../../otlp/encode-traces.ts";
import type { LogsData, MetricsData, TracesData } from "../../otlp/model.ts";
import { toJson } from "../../otlp/to-json.ts";

/** Requests as bytes, in the encoding of one protocol. */
export interface OtlpEncoder {
  traces(data: TracesData): Buffer;
  logs(data: LogsData): Buffer;
  metrics(data: MetricsData): Buffer;
}

export const jsonEncoder: OtlpEncoder = {
  traces: (data) => Buffer.from(toJson(data)),
  logs: (data) => Buffer.from(toJson(data)),
  metrics: (data) => Buffer.from(toJson(data)),
};

/** Begins each request with room for as much as the one before it took: a buffer that has to grow is copied. */
export function protobufEncoder(): OtlpEncoder {
  return { traces: sized(encodeTraces), logs: sized(encodeLogs), metrics: sized(encodeMetrics) };
}

function sized<Data>(encode: (data: Data, sizeHint?: number) => Buffer): (data: Data) => Buffer {
  let sizeHint = 0;
  return (data) => {
    const bytes = encode(data, sizeHint);
    sizeHint = Math.ceil(bytes.length * 1.125);
    return bytes;
  };
}
