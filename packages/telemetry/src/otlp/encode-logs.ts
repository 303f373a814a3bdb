import {
  writeAnyValue,
  writeCount,
  writeKeyValues,
  writeResource,
  writeScope,
  writeText,
} from "./encode-common.ts";
import type { LogsData, OtlpLogRecord } from "./model.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { FIXED32, FIXED64, LEN, tag, VARINT } from "./wire.ts";

const RESOURCE_LOGS = tag(1, LEN);
const RESOURCE = tag(1, LEN);
const SCOPE_LOGS = tag(2, LEN);
const SCHEMA_URL = tag(3, LEN);
const SCOPE = tag(1, LEN);
const LOG_RECORDS = tag(2, LEN);

const TIME = tag(1, FIXED64);
const SEVERITY_NUMBER = tag(2, VARINT);
const SEVERITY_TEXT = tag(3, LEN);
const BODY = tag(5, LEN);
const ATTRIBUTES = tag(6, LEN);
const DROPPED_ATTRIBUTES = tag(7, VARINT);
const FLAGS = tag(8, FIXED32);
const TRACE_ID = tag(9, LEN);
const SPAN_ID = tag(10, LEN);
const OBSERVED_TIME = tag(11, FIXED64);
const EVENT_NAME = tag(12, LEN);

/** `ExportLogsServiceRequest`, which `LogsData` is byte for byte. @param sizeHint bytes that will be about enough */
export function encodeLogs(data: LogsData, sizeHint?: number): Buffer {
  const writer = new ProtoWriter(sizeHint);
  for (const { resource, scopeLogs = [], schemaUrl } of data.resourceLogs ?? []) {
    const mark = writer.begin(RESOURCE_LOGS, 3);
    if (resource) writeResource(writer, RESOURCE, resource);
    for (const { scope, logRecords = [], schemaUrl: scopeSchemaUrl } of scopeLogs) {
      const scopeMark = writer.begin(SCOPE_LOGS, 3);
      if (scope) writeScope(writer, SCOPE, scope);
      for (const record of logRecords) writeLogRecord(writer, record);
      writeText(writer, SCHEMA_URL, scopeSchemaUrl);
      writer.end(scopeMark, 3);
    }
    writeText(writer, SCHEMA_URL, schemaUrl);
    writer.end(mark, 3);
  }
  return writer.finish();
}

function writeLogRecord(writer: ProtoWriter, record: OtlpLogRecord): void {
  const mark = writer.begin(LOG_RECORDS, 2);
  if (record.timeUnixNano) writer.fixed64(TIME, record.timeUnixNano);
  if (record.observedTimeUnixNano) writer.fixed64(OBSERVED_TIME, record.observedTimeUnixNano);
  writeCount(writer, SEVERITY_NUMBER, record.severityNumber);
  writeText(writer, SEVERITY_TEXT, record.severityText);
  if (record.body) {
    const bodyMark = writer.begin(BODY, 1);
    writeAnyValue(writer, record.body);
    writer.end(bodyMark, 1);
  }
  if (record.attributes) writeKeyValues(writer, ATTRIBUTES, record.attributes);
  writeCount(writer, DROPPED_ATTRIBUTES, record.droppedAttributesCount);
  if (record.flags) writer.fixed32(FLAGS, record.flags);
  if (record.traceId) writer.hex(TRACE_ID, record.traceId);
  if (record.spanId) writer.hex(SPAN_ID, record.spanId);
  writeText(writer, EVENT_NAME, record.eventName);
  writer.end(mark, 2);
}
