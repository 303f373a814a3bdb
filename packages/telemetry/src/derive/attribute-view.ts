import type { AnyValue, KeyValue } from "../otlp/model.ts";

/** More than that no instrumentation sets; the rest is not looked at. */
const MAX_ATTRIBUTES = 2000;
/** Of one model call: anything above is no count of tokens. Sums of a few of these are exact. */
const MAX_COUNT = 1e12;
const MAX_AMOUNT = 1e6;
const MAX_PLAIN_DEPTH = 16;

/**
 * Attributes by name, read without trust: a value of the wrong kind, negative, not finite or absurdly large is as if it were not there.
 * Of a name that is there twice the first counts. Methods with several names take the first that holds something.
 */
export class AttributeView {
  readonly #values = new Map<string, AnyValue>();

  constructor(attributes: readonly KeyValue[] | undefined) {
    for (const { key, value } of attributes?.slice(0, MAX_ATTRIBUTES) ?? []) {
      if (value !== undefined && !this.#values.has(key)) this.#values.set(key, value);
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Not empty. */
  text(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const text = this.#values.get(name)?.stringValue;
      if (text !== undefined && text !== "") return text;
    }
    return undefined;
  }

  /** A whole number from 0; some senders write it as a double or as text. */
  count(...names: readonly string[]): number | undefined {
    for (const name of names) {
      const number = numberOf(this.#values.get(name));
      if (number >= 0 && number <= MAX_COUNT) return Math.floor(number);
    }
    return undefined;
  }

  /** Of money or milliseconds, from 0. */
  amount(...names: readonly string[]): number | undefined {
    for (const name of names) {
      const number = numberOf(this.#values.get(name));
      if (number >= 0 && number <= MAX_AMOUNT) return number;
    }
    return undefined;
  }

  /** Milliseconds, from 0 up to some 30 years. */
  milliseconds(name: string): number | undefined {
    return this.count(name) === undefined ? undefined : numberOf(this.#values.get(name));
  }

  flag(name: string): boolean | undefined {
    const value = this.#values.get(name);
    if (value?.boolValue !== undefined) return value.boolValue;
    if (value?.stringValue === "true") return true;
    return value?.stringValue === "false" ? false : undefined;
  }

  /** Text as it is; what has structure as JSON. */
  content(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.#values.get(name);
      if (value === undefined) continue;
      const plain = plainOf(value, 0);
      if (plain === undefined || plain === "") continue;
      return typeof plain === "string" ? plain : JSON.stringify(plain);
    }
    return undefined;
  }
}

/** NaN for what is none. */
function numberOf(value: AnyValue | undefined): number {
  if (value === undefined) return Number.NaN;
  const { intValue, doubleValue, stringValue } = value;
  if (intValue !== undefined) return Number(intValue);
  if (doubleValue !== undefined) return doubleValue;
  if (stringValue === undefined || stringValue.length > 32) return Number.NaN;
  return /^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(stringValue) ? Number(stringValue) : Number.NaN;
}

function plainOf(value: AnyValue, depth: number): unknown {
  if (depth > MAX_PLAIN_DEPTH) return undefined;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue } = value;
  if (arrayValue !== undefined) {
    return (arrayValue.values ?? []).map((item) => plainOf(item, depth + 1) ?? null);
  }
  if (kvlistValue !== undefined) {
    const entries = (kvlistValue.values ?? []).map(({ key, value: item }) => [
      key ?? "",
      item === undefined ? null : (plainOf(item, depth + 1) ?? null),
    ]);
    return Object.fromEntries(entries);
  }
  return stringValue ?? boolValue ?? intValue ?? doubleValue;
}
