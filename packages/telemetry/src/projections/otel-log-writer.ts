import type { RuntimeEvent } from "@sandglass/protocol";
import { encodeKey, writeIntAttribute, writeTextAttribute } from "../otlp/encode-attribute.ts";
import { writeAnyValue } from "../otlp/encode-common.ts";
import { LOG_RECORD, LOG_RECORDS, writeOtlpLogRecord } from "../otlp/encode-logs.ts";
import type { ProtoWriter } from "../otlp/proto-writer.ts";
import { SLOT } from "../scan/event-scan.ts";
import { KIND } from "../scan/scan-value.ts";
import type { ScannedEvent } from "../scan/scanned-event.ts";
import type { OtelEventScan } from "./otel-event-scan.ts";
import { toOtelExceptionRecord } from "./otel-exception-record.ts";
import { bodyOf, SEVERITY } from "./otel-log-record.ts";
import { writeId } from "./otel-span-writer.ts";
import { microsAt, wholeMicros } from "./otel-time.ts";

const RECORD_UID = encodeKey("log.record.uid");
const EVENT_ID = encodeKey("sandglass.event.id");
const EVENT_SEQ = encodeKey("sandglass.event.seq");

/** Writes an event as a log record, as `toOtelLogRecord` tells it, from its JSON to protobuf. */
export function writeLogRecord(writer: ProtoWriter, { scan, event }: ScannedEvent<OtelEventScan>): void {
  const { bytes, kinds, starts, ends, plan } = scan;
  const micros = wholeMicros(microsAt(bytes, starts[SLOT.TIMESTAMP]!, ends[SLOT.TIMESTAMP]!));
  const severity = SEVERITY[event.level];
  // The recorder's own ids have nothing in them that JSON would escape.
  const isPlain = kinds[SLOT.ID] === KIND.ASCII;
  const id = isPlain ? bytes : Buffer.from(event.id);
  const [idStart, idEnd] = isPlain ? [starts[SLOT.ID]!, ends[SLOT.ID]!] : [0, id.length];

  const mark = writer.begin(LOG_RECORDS, 2);
  writer.nanosOf(LOG_RECORD.time, micros);
  writer.nanosOf(LOG_RECORD.observedTime, micros);
  writer.uint32(LOG_RECORD.severityNumber, severity.number);
  writer.string(LOG_RECORD.severityText, severity.text);
  const bodyMark = writer.begin(LOG_RECORD.body, 1);
  writeAnyValue(writer, { stringValue: bodyOf(plan.type) });
  writer.end(bodyMark, 1);
  scan.attributes.copyTo(writer, LOG_RECORD.attributes);
  writeTextAttribute(writer, LOG_RECORD.attributes, RECORD_UID, id, idStart, idEnd);
  writeTextAttribute(writer, LOG_RECORD.attributes, EVENT_ID, id, idStart, idEnd);
  writeIntAttribute(writer, LOG_RECORD.attributes, EVENT_SEQ, event.seq);
  writeId(writer, LOG_RECORD.traceId, scan, SLOT.TRACE_ID);
  writeId(writer, LOG_RECORD.spanId, scan, SLOT.SPAN_ID);
  writer.string(LOG_RECORD.eventName, plan.type);
  writer.end(mark, 2);
}

/** Writes what the cell of an event raised, as `toOtelExceptionRecord` tells it; false where that is nothing. Few events have any. */
export function writeException(writer: ProtoWriter, event: RuntimeEvent): boolean {
  const record = toOtelExceptionRecord(event);
  if (record !== undefined) writeOtlpLogRecord(writer, record);
  return record !== undefined;
}
