import type { AnyValue, KeyValue, Resource, Scope } from "./model.ts";
import type { ProtoWriter } from "./proto-writer.ts";
import { FIXED64, LEN, tag, VARINT } from "./wire.ts";

const KEY = tag(1, LEN);
const VALUE = tag(2, LEN);
const STRING_VALUE = tag(1, LEN);
const BOOL_VALUE = tag(2, VARINT);
const INT_VALUE = tag(3, VARINT);
const DOUBLE_VALUE = tag(4, FIXED64);
const ARRAY_VALUE = tag(5, LEN);
const KVLIST_VALUE = tag(6, LEN);
const BYTES_VALUE = tag(7, LEN);
const VALUES = tag(1, LEN);
/** The tag of an attribute of a `Resource`. */
export const RESOURCE_ATTRIBUTES: number = tag(1, LEN);
const RESOURCE_DROPPED = tag(2, VARINT);
const SCOPE_NAME = tag(1, LEN);
const SCOPE_VERSION = tag(2, LEN);
const SCOPE_ATTRIBUTES = tag(3, LEN);
const SCOPE_DROPPED = tag(4, VARINT);

/** A text longer than this makes the messages around it longer than a length of one byte can say. */
const LONG_TEXT = 100;

/** `repeated KeyValue` under `listTag`. */
export function writeKeyValues(writer: ProtoWriter, listTag: number, list: readonly KeyValue[]): void {
  for (const { key, value } of list) {
    const text = value?.stringValue;
    const lengthBytes = text !== undefined && text.length > LONG_TEXT ? 2 : 1;
    const mark = writer.begin(listTag, lengthBytes);
    // Readers leave out what holds its default, so that an empty key is none.
    if (key) writer.string(KEY, key);
    if (value !== undefined) {
      const valueMark = writer.begin(VALUE, lengthBytes);
      if (text !== undefined) writer.string(STRING_VALUE, text);
      else writeAnyValue(writer, value);
      writer.end(valueMark, lengthBytes);
    }
    writer.end(mark, lengthBytes);
  }
}

/** The fields of an `AnyValue`; its tag and length are around it. */
export function writeAnyValue(writer: ProtoWriter, value: AnyValue): void {
  if (value.stringValue !== undefined) writer.string(STRING_VALUE, value.stringValue);
  else if (value.intValue !== undefined) writer.int64(INT_VALUE, value.intValue);
  else if (value.doubleValue !== undefined) writer.double(DOUBLE_VALUE, value.doubleValue);
  else if (value.boolValue !== undefined) writer.uint32(BOOL_VALUE, value.boolValue ? 1 : 0);
  else if (value.bytesValue !== undefined) writer.bytes(BYTES_VALUE, Buffer.from(value.bytesValue, "base64"));
  else if (value.arrayValue !== undefined) {
    const mark = writer.begin(ARRAY_VALUE, 1);
    for (const item of value.arrayValue.values ?? []) {
      const itemMark = writer.begin(VALUES, 1);
      writeAnyValue(writer, item);
      writer.end(itemMark, 1);
    }
    writer.end(mark, 1);
  } else if (value.kvlistValue !== undefined) {
    const mark = writer.begin(KVLIST_VALUE, 1);
    writeKeyValues(writer, VALUES, value.kvlistValue.values ?? []);
    writer.end(mark, 1);
  }
}

/** `Resource` under `fieldTag`. */
export function writeResource(writer: ProtoWriter, fieldTag: number, resource: Resource): void {
  const mark = writer.begin(fieldTag, 2);
  if (resource.attributes) writeKeyValues(writer, RESOURCE_ATTRIBUTES, resource.attributes);
  writeCount(writer, RESOURCE_DROPPED, resource.droppedAttributesCount);
  writer.end(mark, 2);
}

/** `InstrumentationScope` under `fieldTag`. */
export function writeScope(writer: ProtoWriter, fieldTag: number, scope: Scope): void {
  const mark = writer.begin(fieldTag, 1);
  writeText(writer, SCOPE_NAME, scope.name);
  writeText(writer, SCOPE_VERSION, scope.version);
  if (scope.attributes) writeKeyValues(writer, SCOPE_ATTRIBUTES, scope.attributes);
  writeCount(writer, SCOPE_DROPPED, scope.droppedAttributesCount);
  writer.end(mark, 1);
}

/** A `string` field; its default is not written. */
export function writeText(writer: ProtoWriter, fieldTag: number, text: string | undefined): void {
  if (text) writer.string(fieldTag, text);
}

/** A `uint32`, enum or bool field; its default is not written. */
export function writeCount(writer: ProtoWriter, fieldTag: number, value: number | boolean | undefined): void {
  if (value) writer.uint32(fieldTag, Number(value));
}
