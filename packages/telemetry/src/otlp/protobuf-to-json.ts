import { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "./from-protobuf.ts";
import type { LogsData, MetricsData, Signal, TracesData } from "./model.ts";
import { toJson } from "./to-json.ts";

const READERS: Readonly<Record<Signal, (bytes: Uint8Array) => TracesData | LogsData | MetricsData>> = {
  traces: tracesFromProtobuf,
  logs: logsFromProtobuf,
  metrics: metricsFromProtobuf,
};

/** A request in protobuf as OTLP/JSON in UTF-8. Throws MalformedOtlpError where it is none. */
export function protobufToJson(signal: Signal, request: Uint8Array): Buffer {
  return Buffer.from(toJson(READERS[signal](request)));
}
