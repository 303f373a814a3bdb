import type { AnyValue, KeyValue } from "../../packages/telemetry/src/otlp/model.ts";

const IDS = new Set(["traceId", "spanId", "parentSpanId"]);
const VALUES = new Set([
  "stringValue",
  "boolValue",
  "intValue",
  "doubleValue",
  "bytesValue",
  "asInt",
  "asDouble",
]);

/**
 * OTLP as some decoder gives it (protobufjs messages with `Long`s, plain JSON, our model), in one form, so that it can be compared: ids as
 * hex, bytes as base64, 64-bit integers as text, and without what holds its default, which some write and others leave out.
 */
export function plainOtlp(value: unknown, name = ""): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString(IDS.has(name) ? "hex" : "base64");
  if (Array.isArray(value)) return value.map((item) => plainOtlp(item, name));
  if (typeof value === "string" && IDS.has(name)) return value.toLowerCase();
  if (typeof value === "number" && (name === "intValue" || name === "asInt")) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if ("low" in value && "high" in value && "unsigned" in value) return String(value);
  const fields = Object.entries(value).map(([key, item]) => [key, plainOtlp(item, key)] as const);
  return Object.fromEntries(
    fields.filter(([key, item]) => VALUES.has(key) || !(isDefault(item) || isNoBody(key, item))),
  );
}

/** A log record without a body: some exporters send an empty value. */
function isNoBody(name: string, value: unknown): boolean {
  return name === "body" && Object.keys(value as object).length === 0;
}

function isDefault(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return (
    value === undefined || value === null || value === "" || value === "0" || value === 0 || value === false
  );
}

/** Attributes by their keys. Throws where one key is there twice. */
export function attributesByKey(attributes: readonly KeyValue[] = []): Record<string, AnyValue | undefined> {
  const found = new Map(attributes.map(({ key, value }) => [key, value]));
  if (found.size !== attributes.length) {
    throw new Error(`a key is there twice: ${attributes.map(({ key }) => key).join(", ")}`);
  }
  return Object.fromEntries(found);
}
