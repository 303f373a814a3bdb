import type { LogsData, MetricsData, TracesData } from "./model.ts";

/** Fields of 64-bit integers, which OTLP/JSON has as text. In a model they may be numbers. */
const INT64_FIELDS = new Set(["intValue", "asInt", "count", "zeroCount"]);

/** A request as OTLP/JSON. Numbers that are not finite and halves of surrogate pairs are written as protobuf's JSON has them. */
export function toJson(data: TracesData | LogsData | MetricsData): string {
  return JSON.stringify(data, writeField);
}

function writeField(name: string, value: unknown): unknown {
  switch (typeof value) {
    case "number":
      return INT64_FIELDS.has(name) || !Number.isFinite(value) ? String(value) : value;
    case "string":
      // JSON.stringify would escape it, which strict readers refuse.
      return value.isWellFormed() ? value : value.toWellFormed();
    case "object":
      return name === "bucketCounts" && Array.isArray(value) ? value.map(String) : value;
    default:
      return value;
  }
}
