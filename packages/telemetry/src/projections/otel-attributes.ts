import type { RuntimeEvent } from "@sandglass/protocol";
import type { AnyValue, KeyValue } from "../otlp/model.ts";
import { FIELD_NAMES } from "./otel-attribute-names.ts";
import { sparseEventAttributes } from "./span-attributes.ts";

/** Amounts that may have a fraction stay doubles where this one has none: a store that saw an integer first would refuse the rest. */
const FRACTIONAL = /(_ms|_usd|_utilization|\.vcpu|cpu_limit)$/;
const isFractional = new Map<string, boolean>();
const defaultNames = new Map<string, string>();
const METADATA = ".metadata";
/** The names are those of the code, so few; what is not is not worth keeping. */
const MAX_CACHED = 1000;

/** All that an event says, as attributes: what has a semantic convention by that, see {@link FIELD_NAMES}. No key comes twice. */
export function attributesOf(event: RuntimeEvent): KeyValue[] {
  const list: KeyValue[] = [];
  const named = sparseEventAttributes(event);
  for (const name in named) {
    const value = named[name];
    if (value !== undefined) list.push(attribute(name, value));
  }
  appendUnnamed(event, list);
  return list;
}

/** Of an event that begins a span: what the event that ends it does not say again. */
export function openingAttributes(event: RuntimeEvent): KeyValue[] {
  const list: KeyValue[] = [];
  appendUnnamed(event, list);
  return list;
}

/** A typed attribute. Whole numbers are integers, unless the name says that others of it are not. */
export function attribute(key: string, value: string | number | boolean): KeyValue {
  return { key, value: anyValue(key, value) };
}

function anyValue(key: string, value: string | number | boolean): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) && !hasFractions(key) ? { intValue: value } : { doubleValue: value };
}

function appendUnnamed(event: RuntimeEvent, list: KeyValue[]): void {
  // A type of a later version has no names yet.
  const names: Readonly<Record<string, string | null | undefined>> = FIELD_NAMES[event.type] ?? {};
  const data = event.data as unknown as Readonly<Record<string, unknown>>;
  for (const field in data) {
    const name = names[field];
    if (name !== null) append(list, name ?? defaultName(field), data[field]);
  }
}

function append(list: KeyValue[], key: string, value: unknown): void {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      list.push(attribute(key, value));
      return;
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) {
        list.push({ key, value: { arrayValue: { values: value.map((item) => itemValue(key, item)) } } });
        return;
      }
      for (const [name, item] of Object.entries(value)) {
        // The keys of metadata are the user's, not ours to change.
        append(list, `${key}.${key.endsWith(METADATA) ? name : snakeCase(name)}`, item);
      }
  }
}

function itemValue(key: string, item: unknown): AnyValue {
  const isScalar = typeof item === "string" || typeof item === "number" || typeof item === "boolean";
  return isScalar ? anyValue(key, item) : { stringValue: JSON.stringify(item) };
}

function hasFractions(key: string): boolean {
  let known = isFractional.get(key);
  if (known === undefined) {
    known = FRACTIONAL.test(key);
    if (isFractional.size < MAX_CACHED) isFractional.set(key, known);
  }
  return known;
}

function defaultName(field: string): string {
  let name = defaultNames.get(field);
  if (name === undefined) {
    name = `sandglass.${snakeCase(field)}`;
    if (defaultNames.size < MAX_CACHED) defaultNames.set(field, name);
  }
  return name;
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
