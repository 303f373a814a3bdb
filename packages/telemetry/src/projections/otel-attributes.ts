import type { RuntimeEvent } from "@sandglass/protocol";
import type { AnyValue, KeyValue } from "../otlp/model.ts";
import { anyValue, attribute } from "./otel-attribute.ts";
import { attributeName, isSaidAgain, snakeCase } from "./otel-attribute-names.ts";
import { derivedAttributes } from "./otel-derived-attributes.ts";

const METADATA = ".metadata";

/**
 * All that an event says, as attributes: its fields by the names of `attributeName`, and what follows from them. No key comes twice.
 *
 * Of events in the log `OtelAttributeWriter` says the same, without making objects of anything.
 */
export function attributesOf(event: RuntimeEvent): KeyValue[] {
  const list: KeyValue[] = [];
  for (const [field, value] of Object.entries(event.data)) {
    const name = attributeName(event.type, field);
    if (name !== undefined) appendValue(list, name, value);
  }
  list.push(...derivedAttributes(event));
  return list;
}

/** Of an event that begins a span: what the event that ends it does not say again. */
export function openingAttributes(event: RuntimeEvent): KeyValue[] {
  const list: KeyValue[] = [];
  for (const [field, value] of Object.entries(event.data)) {
    const name = isSaidAgain(event.type, field) ? undefined : attributeName(event.type, field);
    if (name !== undefined) appendValue(list, name, value);
  }
  return list;
}

/** Appends a value of JSON: one attribute of a scalar and of a list, one for each of the fields of an object. */
export function appendValue(list: KeyValue[], key: string, value: unknown): void {
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
        appendValue(list, `${key}.${key.endsWith(METADATA) ? name : snakeCase(name)}`, item);
      }
  }
}

function itemValue(key: string, item: unknown): AnyValue {
  const isScalar = typeof item === "string" || typeof item === "number" || typeof item === "boolean";
  return isScalar ? anyValue(key, item) : { stringValue: JSON.stringify(item) };
}
