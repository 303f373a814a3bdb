const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"]);

/**
 * A request as any server's decoder gives it (protobufjs messages, `Long`s, plain JSON) in the shape of our model with all 64-bit
 * integers as text, so that what came through different protocols can be compared.
 */
export function plainRequest(value: unknown, name = ""): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString(ID_FIELDS.has(name) ? "hex" : "base64");
  }
  if (Array.isArray(value)) return value.map((item) => plainRequest(item, name));
  if (typeof value === "number" && name === "intValue") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if ("low" in value && "high" in value) {
    return String((BigInt(Number(value.high)) << 32n) | BigInt(Number(value.low) >>> 0));
  }
  const fields = Object.entries(value).map(([key, item]) => [key, plainRequest(item, key)] as const);
  return Object.fromEntries(fields.filter(([, item]) => !isDefault(item)));
}

/** Some decoders fill in what was not sent, others do not. */
function isDefault(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}
