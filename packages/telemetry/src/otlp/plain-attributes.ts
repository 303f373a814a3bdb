import type { AnyValue, KeyValue } from "./model.ts";

/** What is inside another value no deeper than this. */
const MAX_DEPTH = 32;

/**
 * OTLP attributes as a plain object. Integers beyond what a JavaScript number holds exactly stay decimal text, bytes base64. Of a
 * name that is there twice the first counts, as for whoever received it first.
 */
export function plainAttributes(attributes: readonly KeyValue[] | undefined): Record<string, unknown> {
  const plain: Record<string, unknown> = Object.create(null);
  for (const { key, value } of attributes ?? []) if (!(key in plain)) plain[key] = plainValue(value, 0);
  return plain;
}

export function plainValue(value: AnyValue | undefined, depth: number): unknown {
  if (value === undefined || depth > MAX_DEPTH) return null;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) {
    const number = Number(value.intValue);
    return Number.isSafeInteger(number) ? number : value.intValue;
  }
  if (value.doubleValue !== undefined) {
    // JSON has no words for these.
    return Number.isFinite(value.doubleValue) ? value.doubleValue : String(value.doubleValue);
  }
  if (value.arrayValue !== undefined) {
    return (value.arrayValue.values ?? []).map((item) => plainValue(item, depth + 1));
  }
  if (value.kvlistValue !== undefined) {
    const entries = value.kvlistValue.values ?? [];
    return Object.fromEntries(entries.map((entry) => [entry.key, plainValue(entry.value, depth + 1)]));
  }
  return value.bytesValue ?? null;
}
