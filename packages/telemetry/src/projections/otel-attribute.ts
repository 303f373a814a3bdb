import type { AnyValue, KeyValue } from "../otlp/model.ts";

/** Amounts that may have a fraction stay doubles where this one has none: a store that saw an integer first would refuse the rest. */
const FRACTIONAL = /(_ms|_usd|_utilization|\.vcpu|cpu_limit)$/;
const isFractional = new Map<string, boolean>();
/** The names are those of the code, so few; what is not is not worth keeping. */
const MAX_CACHED = 1000;

/** A typed attribute. Whole numbers are integers, unless the name says that others of it are not. */
export function attribute(key: string, value: string | number | boolean): KeyValue {
  return { key, value: anyValue(key, value) };
}

/** The value of the attribute `key`, or an item of it. */
export function anyValue(key: string, value: string | number | boolean): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) && !hasFractions(key) ? { intValue: value } : { doubleValue: value };
}

/** Whether numbers of the attribute `key` are doubles, also where one has no fraction. */
export function hasFractions(key: string): boolean {
  let known = isFractional.get(key);
  if (known === undefined) {
    known = FRACTIONAL.test(key);
    if (isFractional.size < MAX_CACHED) isFractional.set(key, known);
  }
  return known;
}
