import {
  writeBoolAttribute,
  writeDoubleAttribute,
  writeIntAttribute,
  writeTextAttribute,
} from "../otlp/encode-attribute.ts";
import { writeKeyValues } from "../otlp/encode-common.ts";
import type { KeyValue } from "../otlp/model.ts";
import type { ProtoWriter } from "../otlp/proto-writer.ts";
import type { EventScan } from "../scan/event-scan.ts";
import { unescapeJson } from "../scan/json-bytes.ts";
import { KIND } from "../scan/scan-value.ts";
import type { ScannedEvent } from "../scan/scanned-event.ts";
import { valueAt } from "../scan/scanned-value.ts";
import { appendValue } from "./otel-attributes.ts";
import { derivedAttributes } from "./otel-derived-attributes.ts";
import type { FieldPlan, TypePlan } from "./otel-type-plan.ts";

/** For texts with escapes; a longer one is rare. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** What `attributesOf` says of an event, from its JSON in the log to protobuf, each under `listTag`. */
export function writeAttributes(
  writer: ProtoWriter,
  listTag: number,
  { scan, event }: ScannedEvent,
  plan: TypePlan,
): void {
  for (let slot = scan.firstSlot; slot < scan.endSlot; slot++) {
    const field = plan.fieldAt(scan, slot);
    if (field !== null) writeField(writer, listTag, scan, slot, field);
  }
  const derived = derivedAttributes(event);
  if (derived.length > 0) writeKeyValues(writer, listTag, derived);
}

/** What `openingAttributes` says of an event, alike. */
export function writeOpeningAttributes(
  writer: ProtoWriter,
  listTag: number,
  { scan }: ScannedEvent,
  plan: TypePlan,
): void {
  for (let slot = scan.firstSlot; slot < scan.endSlot; slot++) {
    const field = plan.fieldAt(scan, slot);
    if (field !== null && !field.isSaidAgain) writeField(writer, listTag, scan, slot, field);
  }
}

function writeField(
  writer: ProtoWriter,
  listTag: number,
  scan: EventScan,
  slot: number,
  field: FieldPlan,
): void {
  const { key } = field;
  switch (scan.kinds[slot]) {
    case KIND.ASCII:
    case KIND.UTF8:
      return writeTextAttribute(writer, listTag, key, scan.bytes, scan.starts[slot]!, scan.ends[slot]!);
    case KIND.ESCAPED:
      return writeEscapedText(writer, listTag, key, scan, slot);
    case KIND.NUMBER: {
      const value = scan.numbers[slot]!;
      return Number.isSafeInteger(value) && !field.hasFractions
        ? writeIntAttribute(writer, listTag, key, value)
        : writeDoubleAttribute(writer, listTag, key, value);
    }
    case KIND.TRUE:
      return writeBoolAttribute(writer, listTag, key, true);
    case KIND.FALSE:
      return writeBoolAttribute(writer, listTag, key, false);
    default: {
      const list: KeyValue[] = [];
      appendValue(list, field.name, valueAt(scan, slot));
      writeKeyValues(writer, listTag, list);
    }
  }
}

function writeEscapedText(
  writer: ProtoWriter,
  listTag: number,
  key: Buffer,
  scan: EventScan,
  slot: number,
): void {
  const start = scan.starts[slot]!;
  const end = scan.ends[slot]!;
  const length = end - start > scratch.length ? -1 : unescapeJson(scratch, scan.bytes, start, end);
  if (length !== -1) return writeTextAttribute(writer, listTag, key, scratch, 0, length);
  // Half of a surrogate pair becomes U+FFFD: protobuf has no other strings.
  const text = Buffer.from(valueAt(scan, slot) as string);
  writeTextAttribute(writer, listTag, key, text, 0, text.length);
}
