import { createRequire } from "node:module";
import { dirname } from "node:path";
import protobuf from "protobufjs";

const require = createRequire(import.meta.url);
/** It carries the official `.proto` files. */
const protoDir = dirname(require.resolve("@elastic/mockotlpserver/package.json"));

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (target.startsWith("/") ? target : `${protoDir}/${target}`);
const SERVICES = ["trace", "logs", "metrics"] as const;
root.loadSync(SERVICES.map((name) => `opentelemetry/proto/collector/${name}/v1/${name}_service.proto`));
// Those files are of 1.4: `event_name` came with 1.5.
root.lookupType("opentelemetry.proto.logs.v1.LogRecord").add(new protobuf.Field("eventName", 12, "string"));
root.resolveAll();

const REQUESTS = {
  traces: "trace.v1.ExportTraceServiceRequest",
  logs: "logs.v1.ExportLogsServiceRequest",
  metrics: "metrics.v1.ExportMetricsServiceRequest",
} as const;
export type OracleSignal = keyof typeof REQUESTS;

const RESPONSES = {
  traces: "trace.v1.ExportTraceServiceResponse",
  logs: "logs.v1.ExportLogsServiceResponse",
  metrics: "metrics.v1.ExportMetricsServiceResponse",
} as const;

/** A request as protobufjs reads it by the official files, in the shape of our model. */
export function decodeByOracle(signal: OracleSignal, bytes: Uint8Array): unknown {
  const type = root.lookupType(`opentelemetry.proto.collector.${REQUESTS[signal]}`);
  const object = type.toObject(type.decode(bytes), { longs: String, enums: Number, bytes: Buffer });
  return inShapeOfModel(object);
}

/** A request as protobufjs writes it by the official files. @param json with 64-bit integers as text and bytes as base64 */
export function encodeByOracle(signal: OracleSignal, json: unknown): Uint8Array {
  const type = root.lookupType(`opentelemetry.proto.collector.${REQUESTS[signal]}`);
  return type.encode(type.fromObject(idsAsBase64(json) as Record<string, unknown>)).finish();
}

/** The answer to an export, as a server by the official files writes it. */
export function encodeResponse(signal: OracleSignal, partialSuccess?: Record<string, unknown>): Uint8Array {
  const type = root.lookupType(`opentelemetry.proto.collector.${RESPONSES[signal]}`);
  return type.encode(type.fromObject(partialSuccess ? { partialSuccess } : {})).finish();
}

const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"]);

function inShapeOfModel(value: unknown, name = ""): unknown {
  if (Buffer.isBuffer(value)) return value.toString(ID_FIELDS.has(name) ? "hex" : "base64");
  if (Array.isArray(value)) return value.map((item) => inShapeOfModel(item, name));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([key, item]) => [key, inShapeOfModel(item, key)]);
  return Object.fromEntries(fields);
}

function idsAsBase64(value: unknown, name = ""): unknown {
  if (typeof value === "string" && ID_FIELDS.has(name)) return Buffer.from(value, "hex").toString("base64");
  if (Array.isArray(value)) return value.map((item) => idsAsBase64(item, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, idsAsBase64(item, key)]));
}
